import type { ChangeEntry } from './audit/entry.ts'
import type { Ledger } from './audit/ledger.ts'
import { aborted, type Waiter } from './audit/queue.ts'
import { LiveChange, type ChangeParts } from './change-walk.ts'
import { draftBare, type Caller } from './drafts.ts'
import { InvalidRequestError, isKmsError } from './errors.ts'
import { wipeDeep } from './internal/bytes.ts'
import { ownOnly } from './internal/own.ts'
import { unlessAborted } from './internal/patience.ts'
import type { ChangeOperation, Operation, Schema, UseOperation } from './runtime.ts'
import type { Actor, Recorded } from './stages.ts'
import { LiveWalk, type WalkParts } from './walk.ts'

/** What every method takes besides its request. */
export interface CallOptions {
  /** Gives up when aborted: `ABORTED`, without a result. */
  readonly signal?: AbortSignal | undefined
  /** The caller's name for the request, 1 to 128 characters: recorded, and attached to errors. */
  readonly requestId?: string | undefined
}

/** What a pipeline works with. */
export interface PipelineParts extends WalkParts, ChangeParts {
  readonly ledger: Ledger
}

/**
 * The walk of every operation: parse, authorize, look up, unwrap, do, record, return. It owns the first, the last, and
 * the record; the operation owns what is between, and gets at keys only through the walk that it is handed.
 */
export class Pipeline {
  readonly #parts: PipelineParts
  #refusedRequests = 0

  constructor(parts: PipelineParts) {
    this.#parts = parts
  }

  /** Runs an operation for an actor. @throws KmsError */
  async run<Q, P, R>(operation: Operation<Q, P, R>, input: Q, call: Call): Promise<R> {
    try {
      const { signal, requestId } = parseOptions(call.options)
      // Everything that the caller could change later is copied here, before anything is awaited.
      const request = this.#parse(operation.schema, input)
      if (signal?.aborted === true) throw aborted(signal)
      const startedAt = this.#parts.clock.monotonic()
      const caller: Caller = { actor: call.actor, action: operation.action, requestId, startedAt }
      const on: Running = { caller, signal, deadline: {} }
      try {
        if (operation.effect === 'change') return await this.#change(operation, request, on)
        return await this.#use(operation, request, on)
      } finally {
        wipeDeep(request)
      }
    } catch (error) {
      throw tagged(error, call.options?.requestId)
    }
  }

  /** How many requests were refused by their schemas: counted, not recorded. */
  get refusedRequests(): number {
    return this.#refusedRequests
  }

  #parse<P>(schema: Schema<P>, input: unknown): P {
    try {
      return parse(schema, input)
    } catch (error) {
      this.#refusedRequests += 1
      throw error
    }
  }

  /** Runs a read on, as part of one that was recorded when it began: authorized anew, not recorded again. */
  async onward<Q, P, R>(operation: UseOperation<Q, P, R>, input: Q, call: Call): Promise<R> {
    try {
      return await readUnrecorded(this.#parts, operation, { input, call })
    } catch (error) {
      throw tagged(error, call.options?.requestId)
    }
  }

  /** Does it, records it, and does it again as long as the state moved in between so that it matters. */
  async #use<Q, P, R>(operation: UseOperation<Q, P, R>, request: P, on: Running): Promise<R> {
    for (;;) {
      const walk = new LiveWalk(withSignal(this.#parts, on.signal), on.caller)
      const work = attempt(async () => operation.perform(request, walk))
      const done = await unlessAborted(work, on.signal, { aborted: () => aborted(on.signal), discard: wipeDeep })
      try {
        const outcome = await this.#parts.ledger.append(walk.entry(done.result, done.error), on)
        if (outcome !== 'again') return release(outcome, done, operation.mark)
        wipeDeep(done.result)
      } catch (error) {
        if (mayGoUnrecorded(operation, done, error)) return operation.mark(done.result as R, false)
        wipeDeep(done.result)
        throw error
      }
    }
  }

  async #change<Q, P, R>(operation: ChangeOperation<Q, P, R>, request: P, on: Running): Promise<R> {
    let done: Done<R> = { error: new Error('the change did not run') }
    let change: LiveChange | undefined
    const entry: ChangeEntry = {
      kind: 'change',
      perform: async (set, now) => {
        const run = new LiveChange(this.#parts, on.caller, { set, now })
        change = run
        done = await attempt(async () => operation.perform(request, run))
        if (done.error !== undefined) return raise(done.error)
        return run.draft(undefined)
      },
      refused: (error) => change?.draft(error) ?? draftBare(on.caller, error),
    }
    const outcome = await this.#parts.ledger.append(entry, on)
    if (outcome === 'again') throw new Error('a change is never done again')
    return release(outcome, done, undefined)
  }
}

/**
 * Runs a read without a record: for a list that goes on, and for a store that is only looked at. If the state has moved
 * while it read, it is decided and done again.
 */
export async function readUnrecorded<Q, P, R>(
  parts: WalkParts,
  operation: UseOperation<Q, P, R>,
  on: { readonly input: Q; readonly call: Call },
): Promise<R> {
  const { signal, requestId } = parseOptions(on.call.options)
  const request = parse(operation.schema, on.input)
  const startedAt = parts.clock.monotonic()
  const caller: Caller = { actor: on.call.actor, action: operation.action, requestId, startedAt }
  for (;;) {
    if (signal?.aborted === true) throw aborted(signal)
    const walk = new LiveWalk(withSignal(parts, signal), caller)
    const result = await operation.perform(request, walk)
    if (await walk.entry(result, undefined).holds(parts.view, parts.clock.now())) return result
  }
}

/** Who calls, and with what options. */
export interface Call {
  readonly actor: Actor
  readonly options: CallOptions | undefined
}

interface Running extends Waiter {
  readonly caller: Caller
  readonly signal: AbortSignal | undefined
}

interface Done<R> {
  readonly result?: R
  readonly error: unknown
}

/** Whether an answer is worth more than its record: only where the operation says so, and something else prevents it. */
function mayGoUnrecorded<Q, P, R>(
  operation: UseOperation<Q, P, R>,
  done: Done<R>,
  error: unknown,
): operation is UseOperation<Q, P, R> & { mark: NonNullable<UseOperation<Q, P, R>['mark']> } {
  const ended = isKmsError(error, 'ABORTED') || isKmsError(error, 'CLOSED')
  return operation.mark !== undefined && done.error === undefined && !ended
}

/** What an operation threw is thrown on as it is, be it an error or not. */
function raise(error: unknown): never {
  // oxlint-disable-next-line typescript/only-throw-error -- not ours to wrap
  throw error
}

async function attempt<R>(work: () => Promise<R>): Promise<Done<R>> {
  try {
    return { result: await work(), error: undefined }
  } catch (error) {
    return { error: error ?? new Error('an operation failed without saying why') }
  }
}

/** Releases a result, or the error of an operation that failed: only against the proof that it is recorded. */
function release<R>(_proof: Recorded, done: Done<R>, mark: ((result: R, recorded: boolean) => R) | undefined): R {
  if (done.error !== undefined) return raise(done.error)
  return mark === undefined ? (done.result as R) : mark(done.result as R, true)
}

/** Reads a request through its schema: own properties only, so that a polluted prototype adds nothing. */
function parse<P>(schema: Schema<P>, input: unknown): P {
  const parsed = schema.safeParse(readOwn(input))
  if (parsed.success) return ownOnly(parsed.data)
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }))
  const [first] = issues
  throw new InvalidRequestError(`the request is not valid: ${first?.path ?? ''}: ${first?.message ?? ''}`, issues)
}

function readOwn<T>(value: T): T {
  try {
    return ownOnly(value)
  } catch (error) {
    throw new InvalidRequestError('a property of the request cannot be read', [], { cause: error })
  }
}

function parseOptions(options: CallOptions | undefined): CallOptions {
  if (options === null || (options !== undefined && typeof options !== 'object')) {
    throw new InvalidRequestError('the options are not an object')
  }
  const own = readOwn(options ?? {})
  const { requestId, signal } = own
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

/** Long work notices an abort whenever it lets others have a turn. */
function withSignal(parts: WalkParts, signal: AbortSignal | undefined): WalkParts {
  if (signal === undefined) return parts
  const { random, timers } = parts.tools
  const turn = async (): Promise<void> => {
    await timers.turn()
    if (signal.aborted) throw aborted(signal)
  }
  return { ...parts, tools: { random, timers: { after: timers.after.bind(timers), turn } } }
}

function tagged(error: unknown, requestId: unknown): unknown {
  if (isKmsError(error) && typeof requestId === 'string') {
    Object.defineProperty(error, 'requestId', { value: requestId, enumerable: true, configurable: true })
  }
  return error
}
