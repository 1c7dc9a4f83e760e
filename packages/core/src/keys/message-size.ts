import { LimitExceededError } from '../errors.ts'
import { policyOf } from '../state/policy.ts'
import type { KeyRow } from '../state/rows.ts'

/** How large a message of a key may be; `Infinity` where only the library's own limits hold. */
export function largestMessage(key: KeyRow): number {
  return policyOf(key).maxMessageBytes ?? Infinity
}

/** @throws LimitExceededError for a message that is larger than the key takes. Where its size is not known it is not asked. */
export function requireSize(key: KeyRow, bytes: number | undefined): void {
  const most = largestMessage(key)
  if (bytes !== undefined && bytes > most) throw tooLarge(most)
}

/** The error of whoever has a larger message than a key takes. */
export function tooLarge(most: number): LimitExceededError {
  return new LimitExceededError(`the key takes messages of at most ${most} bytes`)
}
