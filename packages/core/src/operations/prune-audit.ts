import { z } from 'zod'
import type { PrunePlan } from '../audit/proofs.ts'
import { prunedLog } from '../audit/pruned.ts'
import { ConflictError } from '../errors.ts'
import type { ChangeOperation } from '../runtime.ts'

const schema: z.ZodType<PrunePlan, PrunePlan> = z.strictObject({
  size: z.int().min(1),
  headHash: z.hex().length(64),
  frontier: z.hex(),
})

/** Remembers how far the log is pruned, and what it came to there. The records themselves go afterwards. */
export const pruneAudit: ChangeOperation<PrunePlan, PrunePlan, { readonly from: number; readonly to: number }> = {
  action: 'pruneAudit',
  effect: 'change',
  schema,
  perform: async ({ size, headHash, frontier }, change) => {
    await change.authorize('pruneAudit')
    const known = await change.set.read(prunedLog)
    const from = known?.size ?? 0
    if (size <= from) throw new ConflictError('somebody else has pruned as far')
    const facts = {
      size,
      headHash: Buffer.from(headHash, 'hex'),
      frontier: Buffer.from(frontier, 'hex'),
      prunedAt: change.now,
      prunedBy: change.actor.id,
    }
    change.note({ from, to: size })
    if (known !== undefined) await change.set.update('pruning', known, facts)
    else await change.set.insert('pruning', { id: 'log', ...facts }, () => new ConflictError('somebody else prunes'))
    return { from, to: size }
  },
}
