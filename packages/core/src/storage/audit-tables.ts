import type { TableDescriptor } from './table.ts'

/**
 * What anchors keep of the audit log: for each anchor its newest checkpoint, with cosignatures. Authenticated by a MAC of
 * its own, for it goes along with the log and is no state.
 */
export const anchored: TableDescriptor = {
  name: 'anchored',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    anchor: { type: 'text' },
    size: { type: 'integer' },
    note: { type: 'text' },
    anchoredAt: { type: 'integer' },
    epoch: { type: 'integer' },
    mac: { type: 'bytes' },
  },
  primaryKey: ['tenant', 'anchor'],
  indexes: [],
}

/** How far the audit log was pruned: what its records led to, up to there. One row at most. */
export const pruning: TableDescriptor = {
  name: 'pruning',
  since: 3,
  columns: {
    tenant: { type: 'text' },
    id: { type: 'text' },
    size: { type: 'integer' },
    headHash: { type: 'bytes' },
    frontier: { type: 'bytes' },
    prunedAt: { type: 'integer' },
    prunedBy: { type: 'text' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'id'],
  indexes: [],
}

/**
 * Tiles of the audit log's Merkle tree (C2SP tlog-tiles): up to 256 hashes one beside the other. Those of level 1 and
 * up, from their first hash on; those of level 0 when their 256 records are there, or some of them were pruned.
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
