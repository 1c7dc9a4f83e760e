import { z } from 'zod'
import { invalidState } from '../keys/invalid-state.ts'
import { moveKey } from '../keys/store.ts'
import type { ChangeOperation } from '../runtime.ts'
import type { KeyRow, KeyState } from '../state/rows.ts'
import { keyReference, reason } from './shared/fields.ts'
import { markOf } from './shared/key-state.ts'
import { describeKeyRow, type KeyDescription } from './shared/keys.ts'

/** A key whose deletion is called off. */
export interface CancelKeyDeletionRequest {
  /** The key: id or name. */
  readonly key: string
  /** Why, at most 256 characters. Recorded. */
  readonly reason?: string | undefined
}

const schema = z.strictObject({ key: keyReference, reason: reason.optional() })

/**
 * Calls a deletion off, before it is due. The key is then disabled; one that was revoked is revoked again, and one
 * without material waits for it again.
 */
export const cancelKeyDeletion: ChangeOperation<CancelKeyDeletionRequest, z.output<typeof schema>, KeyDescription> = {
  action: 'cancelKeyDeletion',
  effect: 'change',
  schema,
  perform: async (request, change) => {
    const key = await change.key('cancelKeyDeletion', request.key)
    if (key.deletionDueAt !== null && change.now >= key.deletionDueAt) throw invalidState('its deletion is due')
    const move = { from: ['PendingDeletion'], state: stateBefore(key), mark: markOf(change, request) } as const
    return describeKeyRow(await moveKey(change.set, key, move))
  },
}

function stateBefore({ priorState }: KeyRow): KeyState {
  return priorState === 'Revoked' || priorState === 'PendingImport' ? priorState : 'Disabled'
}
