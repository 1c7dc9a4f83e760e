import { z } from 'zod'
import { dueOf } from '../../keys/due.ts'
import type { ChangeOperation } from '../../runtime.ts'
import { id } from '../shared/fields.ts'
import { dueItemFields, type DueItem } from './due-item.ts'

/** What to claim, for whom, and for how long at least. */
export interface ClaimDueRequest {
  readonly holder: string
  readonly leaseMs: number
  readonly items: readonly Omit<DueItem, 'holder'>[]
}

/** What was claimed: less than was asked for where others came first. */
export interface ClaimDueResult {
  readonly items: readonly DueItem[]
}

/** Longest time until something that failed is tried again. */
const longestMs = 86_400_000
/** So many rows are named in one record. */
export const claimsAtOnce = 32

const { holder: _, ...fields } = dueItemFields
const schema = z.strictObject({
  holder: id,
  leaseMs: z.number().min(1),
  items: z.array(z.strictObject(fields)).min(1).max(claimsAtOnce),
})

/**
 * Claims what is due, before it is done: nobody else looks at it until the lease is over. A crash leaves it claimed, and
 * whoever looks at it then takes it over. Each claim that is not followed by its deed waits twice as long for the next
 * one, up to a day, so that what always fails does not always run.
 */
export const claimDue: ChangeOperation<ClaimDueRequest, z.output<typeof schema>, ClaimDueResult> = {
  action: 'claimDue',
  effect: 'change',
  schema,
  perform: async ({ holder, leaseMs, items }, change) => {
    await change.authorize('claimDue')
    const claimed: DueItem[] = []
    for (const { keyId, version, rev } of items) {
      const row = await change.set.read(dueOf(keyId, version))
      if (row?.rev !== rev) continue
      const wakeAt = change.now + Math.max(leaseMs, Math.min(longestMs, leaseMs * 2 ** row.attempts))
      const next = await change.set.update('due', row, { wakeAt, holder, attempts: row.attempts + 1 })
      claimed.push({ keyId, version, rev: next.rev, holder })
    }
    change.note({ claimed: claimed.length })
    return { items: claimed }
  },
}
