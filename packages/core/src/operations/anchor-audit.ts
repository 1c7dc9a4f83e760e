import { z } from 'zod'
import type { AnchorState } from '../audit/anchors/anchor.ts'
import type { UseOperation } from '../runtime.ts'

const schema = z.strictObject({})

/** Signs the audit log as it is, and brings the checkpoint to every anchor. */
export const anchorAudit: UseOperation<Record<never, never>, z.output<typeof schema>, readonly AnchorState[]> = {
  action: 'anchorAudit',
  effect: 'read',
  schema,
  perform: async (_, walk) => {
    await walk.authorize('anchorAudit')
    const states = await walk.house.anchoring.publish()
    const failed = states.filter(({ failures }) => failures > 0).length
    walk.note({ anchors: states.length, failed })
    return states
  },
}
