import { z } from 'zod'
import { invalidState } from '../keys/invalid-state.ts'
import { moveKey } from '../keys/store.ts'
import { dayMs } from '../keys/validity.ts'
import type { ChangeOperation } from '../runtime.ts'
import { requireDeletable } from './shared/deletable.ts'
import { keyReference, reason } from './shared/fields.ts'
import { markOf } from './shared/key-state.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'

/** A key to destroy, after a time in which that can be called off. */
export interface ScheduleKeyDeletionRequest {
  /** The key: id or name. */
  readonly key: string
  /** How long to wait, 7 to 30 days. @defaultValue 30 */
  readonly pendingWindowInDays?: number | undefined
  /** Why, at most 256 characters. Recorded. */
  readonly reason?: string | undefined
}

/** A key whose deletion was scheduled. */
export interface ScheduledKeyDeletion extends KeyDescription {
  /** When it last did what it is for; `undefined` for never, or for longer ago than its newest 2,000 records. */
  readonly lastUsedAt: Date | undefined
}

const defaultWindow = 30
const deletable = ['Enabled', 'Disabled', 'PendingImport', 'Revoked'] as const
const schema = z.strictObject({
  key: keyReference,
  pendingWindowInDays: z.int().min(7).max(30).optional(),
  reason: reason.optional(),
})

/** Schedules the deletion of a key. From now on it does nothing. */
export const scheduleKeyDeletion: ChangeOperation<
  ScheduleKeyDeletionRequest,
  z.output<typeof schema>,
  ScheduledKeyDeletion
> = {
  action: 'scheduleKeyDeletion',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('scheduleKeyDeletion', request.key)
    const days = request.pendingWindowInDays ?? defaultWindow
    change.note({ pendingWindowInDays: days })
    const deletionDueAt = change.now + days * dayMs
    const mark = markOf(change, request)
    if (!deletable.some((state) => state === key.state)) throw invalidState(`the key is ${key.state}`)
    const lastUsedAt = await requireDeletable(change, key)
    const move = { from: deletable, state: 'PendingDeletion', mark, deletionDueAt } as const
    const moved = describeKeyRow(await moveKey(change.set, key, move))
    return { ...moved, lastUsedAt: lastUsedAt === undefined ? undefined : new Date(lastUsedAt) }
  },
}
