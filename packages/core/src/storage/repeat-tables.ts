import type { TableDescriptor } from './table.ts'

/** Changes that were asked for under a name of the caller's, so that asking again does not do them again. */
export const repeats: TableDescriptor = {
  name: 'repeats',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    id: { type: 'text' },
    request: { type: 'text' },
    target: { type: 'text' },
    seq: { type: 'integer' },
    createdAt: { type: 'integer' },
    expiresAt: { type: 'integer' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'id'],
  indexes: [{ name: 'by_expiry', columns: ['tenant', 'expiresAt'] }],
}
