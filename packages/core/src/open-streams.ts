import { ClosedError } from './errors.ts'
import {
  StreamSession,
  type ByteTransform,
  type SessionParts,
  type StreamCall,
  type Streamer,
} from './stream-session.ts'

/** Who opens a stream. */
export interface StreamCaller extends Streamer {
  /** What it ends with, if that ends before it. */
  readonly owner: object
}

/** The streams of a tenant that have not ended. */
export class OpenStreams {
  readonly #parts: SessionParts
  readonly #open = new Map<StreamSession, object>()

  constructor(parts: Omit<SessionParts, 'over'>) {
    this.#parts = { ...parts, over: (session) => void this.#open.delete(session) }
  }

  /** How many there are. */
  get size(): number {
    return this.#open.size
  }

  /** A stream that is done nothing for before its first byte. @throws InvalidRequestError */
  begin<P>(on: StreamCall<P> & { readonly call: StreamCaller }): ByteTransform {
    const session = new StreamSession(this.#parts, on as StreamCall<unknown>)
    this.#open.set(session, on.call.owner)
    return session.stream()
  }

  /** Ends the streams of an owner, or all, with `CLOSED`. Resolves when that is recorded; never rejects. */
  async end(owner?: object): Promise<void> {
    const ending = [...this.#open].filter(([, of]) => owner === undefined || of === owner)
    await Promise.all(ending.map(async ([session]) => session.fail(new ClosedError('the KMS is closed'))))
  }
}
