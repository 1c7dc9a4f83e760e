import { z } from 'zod'
import type { PrunePlan } from '../audit/proofs.ts'
import type { UseOperation } from '../runtime.ts'

/** How far to prune. */
export interface PruneRequest {
  /** Records before this place go. @defaultValue as far as a checkpoint is anchored */
  readonly upTo?: number | undefined
}

const schema: z.ZodType<PruneRequest, PruneRequest> = z.strictObject({ upTo: z.int().min(1).optional() })

/** Says how far the log may be pruned, and what it comes to there; `undefined` where nothing is to go. */
export const planPrune: UseOperation<PruneRequest, PruneRequest, PrunePlan | undefined> = {
  action: 'pruneAudit',
  effect: 'read',
  schema,
  perform: async ({ upTo }, walk) => {
    await walk.authorize('pruneAudit')
    return walk.house.retention.plan(upTo)
  },
}
