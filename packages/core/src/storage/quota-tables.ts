import type { TableDescriptor } from './table.ts'

/** How often an operation may be done in a window of time, by whom or for whom: `per` is principal, owner or tenant. */
export const quotas: TableDescriptor = {
  name: 'quotas',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    operation: { type: 'text' },
    name: { type: 'text' },
    per: { type: 'text' },
    most: { type: 'integer' },
    windowSeconds: { type: 'integer' },
    createdAt: { type: 'integer' },
    createdBy: { type: 'text' },
    changedAt: { type: 'integer' },
    changedBy: { type: 'text' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'operation', 'name'],
  indexes: [],
}

/** When an operation was last done, of one principal or owner, or of the tenant: as many times as the quota allows. */
export const quotaUses: TableDescriptor = {
  name: 'quota_uses',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    operation: { type: 'text' },
    name: { type: 'text' },
    subject: { type: 'text' },
    times: { type: 'text' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'operation', 'name', 'subject'],
  indexes: [],
}
