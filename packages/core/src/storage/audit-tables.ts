import type { TableDescriptor } from './table.ts'

/**
 * Tiles of the audit log's Merkle tree (C2SP tlog-tiles): up to 256 hashes one beside the other. Those of level 1 and
 * up, from their first hash on; those of level 0 only where the records whose hashes they are were pruned.
 */
export const tiles: TableDescriptor = {
  name: 'tiles',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    level: { type: 'integer' },
    tile: { type: 'integer' },
    hashes: { type: 'bytes' },
  },
  primaryKey: ['tenant', 'level', 'tile'],
  indexes: [],
}
