import { policyOf } from '../state/policy.ts'
import type { KeyRow, VersionRow } from '../state/rows.ts'
import { invalidState } from './invalid-state.ts'

/** A day of a policy: always 24 hours, whatever clocks on walls are made to show. */
export const dayMs = 86_400_000

/** @throws InvalidKeyStateError outside the time for which the key is. Returns when that ends. */
export function requireWindow(key: KeyRow, now: number): number {
  const { validFrom = 0, validUntil = Infinity } = policyOf(key)
  if (now < validFrom) throw invalidState('the key is not valid yet')
  requireNotOver(key, now)
  return validUntil
}

/** @throws InvalidKeyStateError from the end of that time on: such a key is not rotated or enabled either. */
export function requireNotOver(key: KeyRow, now: number): void {
  if (now >= (policyOf(key).validUntil ?? Infinity)) throw invalidState('the key is no longer valid')
}

/** When a version stops protecting by its age; `Infinity` for never. */
export function expiryOf(key: KeyRow, version: VersionRow): number {
  const { expiresAfterDays } = policyOf(key)
  return expiresAfterDays === undefined ? Infinity : version.createdAt + expiresAfterDays * dayMs
}

/** When a version stops decrypting because it has expired so long ago; `Infinity` for never. */
export function retentionEnd(key: KeyRow, version: VersionRow): number {
  const { retainAfterExpiryDays } = policyOf(key)
  return retainAfterExpiryDays === undefined ? Infinity : expiryOf(key, version) + retainAfterExpiryDays * dayMs
}

/** @throws InvalidKeyStateError once the version has expired. Returns when it does. */
export function protectableUntil(key: KeyRow, version: VersionRow, now: number): number {
  const expiresAt = expiryOf(key, version)
  if (now >= expiresAt) throw invalidState('the version has expired')
  return expiresAt
}

/** @throws InvalidKeyStateError once an expired version is no longer retained. Returns when that is. */
export function readableUntil(key: KeyRow, version: VersionRow, now: number): number {
  const ends = retentionEnd(key, version)
  if (now >= ends) throw invalidState('the version has expired, and is no longer retained')
  return ends
}
