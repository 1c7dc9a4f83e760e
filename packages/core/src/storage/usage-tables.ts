import type { TableDescriptor } from './table.ts'

/**
 * Counts of what the audit log holds, in rows that are only inserted. Each is of the records from `fromSeq` up to, but
 * not including, `toSeq`, of one `kind`: totals, or series by key, principal or owner. They inform and decide nothing.
 */
export const usage: TableDescriptor = {
  name: 'usage',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    kind: { type: 'text' },
    level: { type: 'integer' },
    toSeq: { type: 'integer' },
    fromSeq: { type: 'integer' },
    hour: { type: 'integer' },
    counts: { type: 'text' },
    standing: { type: 'text', nullable: true },
  },
  primaryKey: ['tenant', 'kind', 'level', 'toSeq'],
  indexes: [{ name: 'by_end', columns: ['tenant', 'kind', 'toSeq'] }],
}
