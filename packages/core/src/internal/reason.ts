import type { KmsError } from '../errors.ts'

const reasons = new WeakMap<KmsError, string>()

/** Remembers why an error was made. Callers never see it; the audit record says it. */
export function withReason<E extends KmsError>(error: E, reason: string): E {
  reasons.set(error, reason)
  return error
}

/** The true reason of an error, for the audit record. */
export function reasonOf(error: KmsError): string | undefined {
  return reasons.get(error)
}
