import { InvalidRequestError, isKmsError } from './errors.ts'
import { ownOnly, readOwn } from './internal/own.ts'
import { compiled } from './operations/shared/compiled.ts'
import type { Schema } from './runtime.ts'

/** What every method takes besides its request. */
export interface CallOptions {
  /** Gives up when aborted: `ABORTED`, without a result. */
  readonly signal?: AbortSignal | undefined
  /** The caller's name for the request, 1 to 128 characters: recorded, and attached to errors. */
  readonly requestId?: string | undefined
  /**
   * Of a change: a name for this one request, 1 to 128 printable ASCII characters without spaces. Asked again by the
   * same principal within a day, with the same name and request, it is not done again: the answer is what its subject
   * is by now. With another request it is `CONFLICT`.
   */
  readonly idempotencyKey?: string | undefined
  /**
   * Of a change of a key: the {@link keyTag} of what it was when it was read. If it is something else by now, nothing is
   * done: `PRECONDITION_FAILED`.
   */
  readonly ifMatch?: string | undefined
}

/** Reads a request through its schema: own properties only, so that a polluted prototype adds nothing. */
export function parse<P>(schema: Schema<P>, input: unknown): P {
  const parsed = compiled(schema).safeParse(readOwn(input))
  if (parsed.success) return ownOnly(parsed.data)
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }))
  const [first] = issues
  throw new InvalidRequestError(`the request is not valid: ${first?.path ?? ''}: ${first?.message ?? ''}`, issues)
}

const noOptions: CallOptions = Object.freeze(ownOnly({}))

/** Reads the options of a call. @throws InvalidRequestError */
export function parseOptions(options: CallOptions | undefined): CallOptions {
  if (options === undefined) return noOptions
  if (options === null || typeof options !== 'object') {
    throw new InvalidRequestError('the options are not an object')
  }
  const own = readOwn(options)
  const { requestId, signal, idempotencyKey, ifMatch } = own
  requireIdempotencyKey(idempotencyKey)
  requireTag(ifMatch)
  if (requestId !== undefined && !isRequestId(requestId)) {
    throw new InvalidRequestError('requestId is not a well-formed string of 1 to 128 characters')
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidRequestError('signal is not an AbortSignal')
  }
  return own
}

function isRequestId(value: unknown): boolean {
  return typeof value === 'string' && value.length >= 1 && value.length <= 128 && value.isWellFormed()
}

function requireTag(value: unknown): void {
  if (value === undefined || (typeof value === 'string' && /^[\w-]{22}$/.test(value))) return
  throw new InvalidRequestError('ifMatch is no tag of a key')
}

function requireIdempotencyKey(value: unknown): void {
  if (value === undefined || (typeof value === 'string' && /^[\x21-\x7e]{1,128}$/.test(value))) return
  throw new InvalidRequestError('idempotencyKey is not 1 to 128 printable ASCII characters without spaces')
}

/** An error as its caller gets it: with the id of the request. */
export function tagged(error: unknown, options: CallOptions | undefined): unknown {
  const requestId = ownOnly(options)?.requestId
  if (isKmsError(error) && typeof requestId === 'string') {
    Object.defineProperty(error, 'requestId', { value: requestId, enumerable: true, configurable: true })
  }
  return error
}
