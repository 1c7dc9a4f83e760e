import { NotReady } from './not-ready.ts'
import { doneInside } from './inside.ts'
import { leastMs, Ready } from './ready.ts'
import type { ChangeEntry, UseEntry } from './audit/entry.ts'
import type { Ledger } from './audit/ledger.ts'
import { aborted, type Outcome, type Waiter } from './audit/queue.ts'
import { attempt, markOf, mayGoUnrecorded, raise, release, type Done } from './attempt.ts'
import { LiveChange, type ChangeParts } from './change-walk.ts'
import { parse, parseOptions, tagged } from './call.ts'
import { draftBare, type Caller } from './drafts.ts'
import { AuditOverloadedError } from './errors.ts'
import { HeldRequest, NobodyWaits } from './held-request.ts'
import { wipeDeep } from './internal/bytes.ts'
import { limits } from './internal/defaults.ts'
import { unlessAborted } from './internal/patience.ts'
import { LiveUse } from './live-use.ts'
import { OpenStreams, type StreamCaller } from './open-streams.ts'
import type { ChangeOperation, Operation, Schema, UseOperation } from './runtime.ts'
import type { ByteTransform } from './stream-session.ts'
import type { StreamOperation } from './streaming.ts'
import { readUnrecorded, type Call } from './unrecorded.ts'
import { PatientView, type Remaining } from './patient-view.ts'
import type { AuthenticView, WalkParts } from './walk-parts.ts'

/** From this try on an operation is done under the lock. */
const triesOutside = 3

/** What a pipeline works with. */
export interface PipelineParts extends WalkParts, ChangeParts {
  readonly view: AuthenticView
  readonly ledger: Ledger
  readonly deadlineMs: number
  /** Hears of every error that an operation ends with. Must not throw. */
  readonly sawError: (error: unknown, action: string) => void
}

/**
 * The walk of every operation: parse, authorize, look up, unwrap, do, record, return. It owns the first, the last, and
 * the record; the operation owns what is between, and gets at keys only through the walk that it is handed.
 */
export class Pipeline {
  /** The streams of this pipeline, which record through it. */
  readonly streams: OpenStreams
  readonly #parts: PipelineParts
  #refusedRequests = 0
  #running = 0
  #idle: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(parts: PipelineParts) {
    this.#parts = parts
    this.streams = new OpenStreams({ walking: parts, deadlineMs: parts.deadlineMs, run: this.run.bind(this) })
  }

  /** Runs an operation for an actor. @throws KmsError */
  async run<Q, P, R>(operation: Operation<Q, P, R>, input: Q, call: Call): Promise<R> {
    if (this.#running >= limits.runningOperations) {
      throw tagged(new AuditOverloadedError('too many operations run at a time'), call.options)
    }
    this.#running += 1
    try {
      const { signal, requestId } = parseOptions(call.options)
      // Everything that the caller could change later is copied here, before anything is awaited.
      const request = this.#parse(operation.schema, input)
      if (signal?.aborted === true) throw aborted(signal)
      const startedAt = this.#parts.clock.monotonic()
      const caller: Caller = { actor: call.actor, action: operation.action, requestId, startedAt }
      const on: Running = { caller, signal, deadline: { at: undefined }, remaining: { ms: this.#parts.deadlineMs } }
      if (operation.effect === 'change') return await this.#change(operation, new HeldRequest(request), on)
      try {
        return await this.#use(operation, request, on)
      } finally {
        wipeDeep(request)
      }
    } catch (error) {
      this.#parts.sawError(error, operation.action)
      throw tagged(error, call.options)
    } finally {
      this.#running -= 1
      if (this.#running === 0) this.#idle.resolve()
    }
  }

  /** A stream for an actor: what is wrong with the request is thrown at once. @throws InvalidRequestError */
  stream<Q, P>(operation: StreamOperation<Q, P>, input: Q, call: StreamCaller): ByteTransform {
    try {
      return this.streams.begin({ operation, request: this.#parse(operation.schema, input), call })
    } catch (error) {
      throw tagged(error, call.options)
    }
  }

  /** Resolves when nothing runs: at once, or with the last operation, each of which has its deadline. */
  async whenIdle(): Promise<void> {
    this.#idle = Promise.withResolvers()
    if (this.#running > 0) await this.#idle.promise
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
      const refused = async (entry: UseEntry): Promise<void> => {
        await this.#parts.ledger.append(entry, { signal: call.options?.signal, deadline: {} })
      }
      return await readUnrecorded(this.#parts, operation, { input, call, refused })
    } catch (error) {
      this.#parts.sawError(error, operation.action)
      throw tagged(error, call.options)
    }
  }

  /** Does it, records it, and does it again as long as the state moved in between so that it matters. */
  async #use<Q, P, R>(operation: UseOperation<Q, P, R>, request: P, on: Running): Promise<R> {
    for (let tries = 1; ; tries++) {
      const use = new LiveUse(operation, request, on)
      const patient = new PatientView(this.#parts, on.remaining)
      const once = use.once(this.#parts, patient)
      const entry = once instanceof Promise ? await unlessAborted(once, on.signal, use) : once
      const least = Math.min(leastMs, this.#parts.deadlineMs)
      on.deadline.at ??= this.#parts.clock.monotonic() + Math.max(on.remaining.ms, least)
      const isDoneInside = tries >= triesOutside && operation.effect !== 'read'
      const inside = isDoneInside ? doneInside(this.#parts, use) : undefined
      try {
        const outcome = await this.#parts.ledger.append(inside === undefined ? entry : { ...entry, inside }, on)
        if (outcome !== 'again') return release(outcome, use.done, markOf(operation))
        use.discard()
        on.remaining.ms = Math.max(0, on.deadline.at - this.#parts.clock.monotonic())
      } catch (error) {
        use.isAbandoned = true
        if (mayGoUnrecorded(operation, use.done, error)) return operation.mark(use.done.result as R, false)
        use.discard()
        throw error
      }
    }
  }

  /** Does a change at its turn; one that needs what takes long to make gets it made, and another turn. */
  async #change<Q, P, R>(operation: ChangeOperation<Q, P, R>, request: HeldRequest<P>, on: Running): Promise<R> {
    const ready = new Ready(this.#parts)
    try {
      for (;;) {
        const { done, outcome, notReady } = await this.#turn(operation, request, { on, ready })
        if (outcome !== 'again') return release(outcome, done, undefined)
        if (notReady === undefined) throw new Error('a change is done again only to get what it was not ready for')
        await ready.prepare(notReady, on.signal)
      }
    } finally {
      ready.discard()
      request.leave()
    }
  }

  async #turn<Q, P, R>(operation: ChangeOperation<Q, P, R>, request: HeldRequest<P>, by: Turn): Promise<Turned<R>> {
    const { on, ready } = by
    let done: Done<R> = { error: new Error('the change did not run') }
    let change: LiveChange | undefined
    const entry: ChangeEntry = {
      kind: 'change',
      perform: async (set, now) => {
        const run = new LiveChange(this.#parts, on.caller, { set, now, ready })
        change = run
        done = await attempt(async () => request.use(async (asked) => run.charged(operation.perform(asked, run))))
        if (done.error !== undefined) return raise(done.error)
        return run.draft(undefined)
      },
      refused: (error) => {
        // What was done may be refused after all, by the state that it would leave.
        wipeDeep(done.result)
        done = { error }
        if (error instanceof NotReady || error instanceof NobodyWaits) return undefined
        return change?.draft(error) ?? draftBare(on.caller, error)
      },
    }
    const outcome = await this.#parts.ledger.append(entry, { ...on, deadline: ready.deadline })
    return { done, outcome, notReady: done.error instanceof NotReady ? done.error : undefined }
  }
}

interface Turn {
  readonly on: Running
  readonly ready: Ready
}

interface Turned<R> {
  readonly done: Done<R>
  readonly outcome: Outcome
  /** What was missing, if it has to be done again. */
  readonly notReady: NotReady | undefined
}

interface Running extends Waiter {
  readonly caller: Caller
  readonly signal: AbortSignal | undefined
  readonly remaining: Remaining
}
