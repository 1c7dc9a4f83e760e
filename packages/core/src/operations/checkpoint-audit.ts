import { z } from 'zod'
import type { SignedCheckpoint } from '../audit/proofs.ts'
import type { UseOperation } from '../runtime.ts'

const schema = z.strictObject({})

/** Signs the audit log as it is. */
export const checkpointAudit: UseOperation<Record<never, never>, z.output<typeof schema>, SignedCheckpoint> = {
  action: 'checkpointAudit',
  effect: 'read',
  schema,
  perform: async (_, walk) => {
    await walk.authorize('checkpointAudit')
    const signed = await walk.house.proofs.checkpoint()
    walk.note({ size: signed.size })
    return signed
  },
}
