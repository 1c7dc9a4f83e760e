import { invalidState } from '../../keys/invalid-state.ts'
import { dayMs } from '../../keys/validity.ts'
import type { ChangeWalk } from '../../runtime.ts'
import { policyOf } from '../../state/policy.ts'
import type { KeyRow } from '../../state/rows.ts'
import { lastUseOf } from './last-use.ts'

/** @throws InvalidKeyStateError where a policy of the key refuses its deletion. Returns when it was last used. */
export async function requireDeletable(change: ChangeWalk, key: KeyRow): Promise<number | undefined> {
  const { deletionProtection, deletionUnusedDays } = policyOf(key)
  if (deletionProtection === true) throw invalidState('it is protected from deletion: update deletionProtection first')
  const { at, isBound } = await lastUseOf(change.set, key)
  const since = deletionUnusedDays === undefined ? -Infinity : change.now - deletionUnusedDays * dayMs
  if (at !== undefined && at > since && deletionUnusedDays !== undefined) {
    throw invalidState(`it was used less than ${deletionUnusedDays} days ago`)
  }
  return isBound ? undefined : at
}
