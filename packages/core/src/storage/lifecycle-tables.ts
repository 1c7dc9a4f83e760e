import type { TableDescriptor } from './table.ts'

/** Further names of keys. Each is resolved through `names`, like a key's own; this says what a key's aliases are. */
export const aliases: TableDescriptor = {
  name: 'aliases',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    alias: { type: 'text' },
    keyId: { type: 'text' },
    createdAt: { type: 'integer' },
    createdBy: { type: 'text' },
    retargetedAt: { type: 'integer', nullable: true },
    retargetedBy: { type: 'text', nullable: true },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'alias'],
  indexes: [{ name: 'by_alias_key', columns: ['tenant', 'keyId'] }],
}

/** What new keys of a tenant have where nobody says otherwise: one row, `name` is `policy`. */
export const keyDefaults: TableDescriptor = {
  name: 'key_defaults',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    name: { type: 'text' },
    policy: { type: 'text' },
    createdAt: { type: 'integer' },
    createdBy: { type: 'text' },
    changedAt: { type: 'integer' },
    changedBy: { type: 'text' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'name'],
  indexes: [],
}
