import { InvalidKeyStateError } from '../errors.ts'
import { withReason } from '../internal/reason.ts'

/** The error of everything that a state forbids. */
export function invalidState(reason: string): InvalidKeyStateError {
  return withReason(new InvalidKeyStateError(`the key's state forbids it: ${reason}`), reason)
}
