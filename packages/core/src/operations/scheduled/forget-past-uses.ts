import { z } from 'zod'
import { forgetUses, type QuotaUse } from '../../access/quota.ts'
import type { ChangeOperation } from '../../runtime.ts'

/** What to forget. */
export interface ForgetPastUsesRequest {
  readonly uses: readonly QuotaUse[]
}

const use = z.strictObject({ operation: z.string(), name: z.string(), subject: z.string() })
const schema = z.strictObject({ uses: z.array(use).min(1).max(100) })

/** Removes rows of what quotas count that count nothing any more: what left the window a day ago or more. */
export const forgetPastUses: ChangeOperation<ForgetPastUsesRequest, z.output<typeof schema>, undefined> = {
  action: 'forgetPastUses',
  effect: 'change',
  schema,
  perform: async ({ uses }, change) => {
    await change.authorize('forgetPastUses')
    change.note({ forgotten: await forgetUses(change.set, uses, change.now) })
    return undefined
  },
}
