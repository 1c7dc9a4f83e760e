import type { TableDescriptor } from './table.ts'

/** What is known of imported material: a fingerprint of it (CW1), which outlives it, and when it ends. */
export const imports: TableDescriptor = {
  name: 'imports',
  since: 2,
  columns: {
    tenant: { type: 'text' },
    keyId: { type: 'text' },
    version: { type: 'integer' },
    epoch: { type: 'integer' },
    fingerprint: { type: 'bytes' },
    expiresAt: { type: 'integer', nullable: true },
    importedAt: { type: 'integer' },
    importedBy: { type: 'text' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'keyId', 'version'],
  indexes: [],
}
