import { z } from 'zod'
import type { AnchorState } from '../audit/anchors/anchor.ts'
import type { UseOperation } from '../runtime.ts'

const schema = z.strictObject({})

/** Says how the audit log's anchors are. */
export const listAnchors: UseOperation<Record<never, never>, z.output<typeof schema>, readonly AnchorState[]> = {
  action: 'listAnchors',
  effect: 'read',
  schema,
  perform: async (_, walk) => {
    await walk.authorize('listAnchors')
    return walk.house.anchoring.states
  },
}
