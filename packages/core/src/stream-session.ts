import { TransformStream, type TransformStreamDefaultController } from 'node:stream/web'
import { aborted } from './audit/queue.ts'
import { parseOptions, tagged, type CallOptions } from './call.ts'
import { decide, nothingAsked } from './decide.ts'
import { AbortedError, type KmsError } from './errors.ts'
import { lengthOf, wipe } from './internal/bytes.ts'
import { withReason } from './internal/reason.ts'
import { largestMessage } from './keys/message-size.ts'
import { Beginning, Pace, Portion, requireBytes } from './stream-input.ts'
import { ending, opening, withinSize, type Told } from './stream-records.ts'
import type { Flow, StreamOperation } from './streaming.ts'
import type { UseOperation } from './runtime.ts'
import type { Call } from './unrecorded.ts'
import { PatientView } from './patient-view.ts'
import type { WalkParts } from './walk-parts.ts'

type Controller = TransformStreamDefaultController<Uint8Array>

/** A stream of bytes, as callers hold it. */
export type ByteTransform = TransformStream<Uint8Array, Uint8Array>

/** What a session works with. */
export interface SessionParts {
  readonly walking: WalkParts
  readonly deadlineMs: number
  /** Runs an operation: authorized, recorded, and only then answered. */
  run<P, R>(operation: UseOperation<P, P, R>, input: P, call: Call): Promise<R>
  /** Called when it is over. */
  over(session: StreamSession): void
}

/** Who opens a stream, and whether the root key lets bytes through: something to wait for only where it was not asked lately. */
export interface Streamer extends Call {
  readonly proof: () => Promise<void> | undefined
}

/** A stream to be opened: `P` is its request. */
export interface StreamCall<P> {
  readonly operation: StreamOperation<unknown, P>
  readonly request: P
  readonly call: Streamer
}

/**
 * What stands behind a stream of bytes, from its first byte to its end, whatever that is: the last byte, an error, a
 * reader who stops or a writer who aborts, a signal, the closing of the KMS, or that nobody holds the stream any more.
 * Then it forgets its key, and its end is recorded, once.
 */
export class StreamSession {
  readonly #parts: SessionParts
  readonly #on: StreamCall<unknown>
  readonly #options: CallOptions
  readonly #told: Told
  readonly #head: Beginning
  readonly #pace: Pace
  readonly #abort = (): void => void this.fail(aborted(this.#options.signal))
  /** Held weakly, so that a stream that everybody has left is collected although the session is known. */
  #controller: WeakRef<Controller> | undefined
  #opening: Promise<Flow> | undefined
  #flow: Flow | undefined
  /** By what it ended before its end. */
  #failed: { readonly error: unknown } | undefined
  #ended: Promise<void> | undefined
  #decidedAt = -1
  #most = Infinity
  #validUntil = -Infinity

  constructor(parts: SessionParts, on: StreamCall<unknown>) {
    this.#parts = parts
    this.#on = on
    this.#options = parseOptions(on.call.options)
    this.#head = new Beginning(on.operation.headBytes)
    this.#pace = new Pace(parts.walking.tools.timers)
    this.#told = { id: parts.walking.tools.random.uuid(), bytesIn: 0, bytesOut: 0 }
  }

  /** The stream. Nothing is done before its first byte. */
  stream(): ByteTransform {
    const { signal } = this.#options
    signal?.addEventListener('abort', this.#abort)
    const transform = new TransformStream<Uint8Array, Uint8Array>({
      start: (controller) => {
        this.#controller = new WeakRef(controller)
        left.register(controller, this)
        if (signal?.aborted === true) this.#abort()
      },
      transform: async (chunk, controller) => this.#guarded(async () => this.#take(chunk, controller)),
      flush: async (controller) => this.#guarded(async () => this.#finish(controller)),
      cancel: async (reason) => this.#stop(stopped('the reader stopped, or the writer aborted', reason)),
    })
    return transform
  }

  /** Ends it at once, unless it ends already. Resolves when that is recorded; never rejects. */
  async fail(error: unknown): Promise<void> {
    if (this.#ended !== undefined) return this.#ended
    const recorded = this.#stop(error)
    this.#controller?.deref()?.error(error)
    return recorded
  }

  /** Whatever goes wrong ends the stream: recorded first, and then with the error that ended it first. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      await this.#stop(error)
      throw this.#failed?.error ?? error
    }
  }

  async #stop(why: unknown): Promise<void> {
    if (this.#ended === undefined) {
      const error = tagged(why ?? new Error('a stream failed without saying why'), this.#on.call.options)
      this.#failed = { error }
      this.#ended = this.#recordFailure(error)
    }
    return this.#ended
  }

  async #take(chunk: unknown, controller: Controller): Promise<void> {
    const input = requireBytes(chunk)
    const portion = new Portion(this.#head.take(input))
    this.#told.bytesIn += lengthOf(input)
    if (!this.#head.isWhole) return
    const flow = this.#flow ?? (await this.#opened(controller))
    while (portion.hasMore) {
      if (this.#pace.isDue) await this.#pace.turn()
      if (!this.#isDecided()) await this.#requireAuthority(flow)
      const proof = this.#on.call.proof()
      if (proof !== undefined) await proof
      const part = portion.next()
      this.#pace.count(part.byteLength)
      const gone = { told: this.#told, message: flow.message }
      this.#emit(controller, withinSize(flow.cipher.update(part), gone, this.#most))
    }
  }

  async #finish(controller: Controller): Promise<void> {
    const { cipher, claims, message } = await this.#opened(controller)
    await this.#on.call.proof()
    this.#requireOn()
    const last = cipher.final()
    cipher.drop()
    // From here on it is too late to stop it: its end is being recorded.
    const told = { ...this.#told, bytesOut: this.#told.bytesOut + last.length }
    const recorded = this.#record(ending(this.#on.operation.action, { told, claims, message }))
    this.#ended = recorded.catch(() => undefined).finally(() => this.#leave())
    try {
      await recorded
    } catch (error) {
      wipe(last)
      throw error
    }
    this.#emit(controller, last)
  }

  /** What the bytes go through, opened when enough of them are here. What comes out first comes out then. */
  async #opened(controller: Controller): Promise<Flow> {
    if (this.#flow !== undefined) return this.#flow
    const { operation, request } = this.#on
    await this.#on.call.proof()
    this.#requireOn()
    this.#opening = this.#record(opening(operation, { request, head: this.#head.bytes, id: this.#told.id }))
    const flow = await this.#opening
    this.#requireOn()
    this.#flow = flow
    this.#emit(controller, flow.cipher.start)
    return flow
  }

  /** Without the signal: one that aborts ends the stream, whose records are written all the same. */
  async #record<R>(operation: UseOperation<undefined, undefined, R>): Promise<R> {
    const { requestId } = this.#options
    return this.#parts.run(operation, undefined, { actor: this.#on.call.actor, options: { requestId } })
  }

  /** Whether nothing has happened since it was decided that the bytes may go through. */
  #isDecided(): boolean {
    const { clock, revision } = this.#parts.walking
    this.#requireOn()
    return revision() === this.#decidedAt && clock.now() < this.#validUntil
  }

  /** Nothing goes through any more once this process knows that it may not. Others are heard of at the end. */
  async #requireAuthority({ claims }: Flow): Promise<void> {
    const { walking, deadlineMs } = this.#parts
    const [now, revision] = [walking.clock.now(), walking.revision()]
    const view = new PatientView(walking, { ms: deadlineMs })
    let [most, ends] = [Infinity, Infinity]
    for (const claim of claims) {
      const asked = { claim: { ...nothingAsked, ...claim, kind: 'use' as const }, now }
      const { key, validUntil } = await decide(view, this.#on.call.actor, asked)
      if (key !== undefined) most = Math.min(most, largestMessage(key))
      ends = Math.min(ends, validUntil)
    }
    this.#requireOn()
    this.#most = most
    this.#decidedAt = revision
    this.#validUntil = ends
  }

  #requireOn(): void {
    if (this.#failed !== undefined) throw this.#failed.error as KmsError
  }

  /** Drops the key at once, and records the end of what was recorded as opened. */
  async #recordFailure(error: unknown): Promise<void> {
    this.#flow?.cipher.drop()
    const flow = await this.#opening?.catch(() => undefined)
    flow?.cipher.drop()
    if (flow !== undefined) {
      const told = { told: { ...this.#told }, claims: flow.claims, message: flow.message, error }
      // Whoever stops gets no result, so nothing depends on this record: without it the stream has no end in the log.
      await this.#record(ending(this.#on.operation.action, told)).catch(() => undefined)
    }
    this.#leave()
  }

  #leave(): void {
    this.#flow = undefined
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#parts.over(this)
  }

  #emit(controller: Controller, bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return
    this.#told.bytesOut += bytes.byteLength
    controller.enqueue(bytes)
  }
}

/** Streams that nobody holds any more end too. */
const left = new FinalizationRegistry<StreamSession>((session) => {
  void session.fail(stopped('nobody holds the stream any more', undefined))
})

function stopped(reason: string, cause: unknown): AbortedError {
  return withReason(new AbortedError('the stream was stopped before its end', { cause }), reason)
}
