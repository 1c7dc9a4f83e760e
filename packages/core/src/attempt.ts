import { isKmsError } from './errors.ts'
import { wipeDeep } from './internal/bytes.ts'
import type { UseOperation } from './runtime.ts'
import type { Recorded } from './stages.ts'

/** How something ended. */
export interface Done<R> {
  readonly result?: R
  readonly error: unknown
}

/** What an operation threw is thrown on as it is, be it an error or not. */
export function raise(error: unknown): never {
  // oxlint-disable-next-line typescript/only-throw-error -- not ours to wrap
  throw error
}

/** Runs something to its end, whatever that is. */
export async function attempt<R>(work: () => Promise<R>): Promise<Done<R>> {
  try {
    return { result: await work(), error: undefined }
  } catch (error) {
    return failed(error)
  }
}

/** How something ended that threw. */
export function failed(error: unknown): { readonly error: unknown } {
  return { error: error ?? new Error('an operation failed without saying why') }
}

/** An operation's own mark: what somebody puts on Object.prototype is none. */
export function markOf<Q, P, R>(operation: UseOperation<Q, P, R>): UseOperation<Q, P, R>['mark'] {
  return Object.hasOwn(operation, 'mark') ? operation.mark : undefined
}

/** Whether an answer is worth more than its record: only where the operation says so, and something else prevents it. */
export function mayGoUnrecorded<Q, P, R>(
  operation: UseOperation<Q, P, R>,
  done: Done<R>,
  error: unknown,
): operation is UseOperation<Q, P, R> & { mark: NonNullable<UseOperation<Q, P, R>['mark']> } {
  const ended = isKmsError(error, 'ABORTED') || isKmsError(error, 'CLOSED')
  return markOf(operation) !== undefined && done.error === undefined && !ended
}

/** Releases a result, or the error of an operation that failed: only against the proof that it is recorded, and not as refused. */
export function release<R>(proof: Recorded, done: Done<R>, mark: ((result: R, recorded: boolean) => R) | undefined): R {
  if (proof.refusal !== undefined) {
    wipeDeep(done.result)
    return raise(proof.refusal)
  }
  if (done.error !== undefined) return raise(done.error)
  return mark === undefined ? (done.result as R) : mark(done.result as R, true)
}
