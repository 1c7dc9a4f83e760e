import type { TableDescriptor } from './table.ts'

/**
 * The hash tree over the state: nodes (levels 0 to 3) and buckets (level 4), each by its place in its level. `rev` is
 * always 1: what counts is the content, whose hash is in the node above.
 */
export const stateTree: TableDescriptor = {
  name: 'state_tree',
  since: 1,
  columns: {
    tenant: { type: 'text' },
    level: { type: 'integer' },
    place: { type: 'integer' },
    content: { type: 'bytes' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'level', 'place'],
  indexes: [],
}
