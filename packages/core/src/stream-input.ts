import { InvalidRequestError } from './errors.ts'
import { allocate, isBytes } from './internal/bytes.ts'
import type { Timers } from './internal/clock.ts'

/** How many bytes go through before others get a turn: well under 10 ms. */
const bytesPerTurn = 1024 * 1024

/** Bytes that nobody else changes from now on: what others share is copied. @throws InvalidRequestError */
export function requireBytes(chunk: unknown): Uint8Array {
  if (!isBytes(chunk)) throw new InvalidRequestError('a stream takes Uint8Arrays, and nothing else')
  const isShared = chunk.buffer instanceof SharedArrayBuffer
  return isShared ? new Uint8Array(chunk) : chunk
}

/** The first bytes of a stream, however they come: the beginning of a message, and no secret. */
export class Beginning {
  readonly #bytes: Buffer
  #length = 0

  constructor(length: number) {
    this.#bytes = allocate(length)
  }

  /** What there is of it. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Whether it is all here. */
  get isWhole(): boolean {
    return this.#length === this.#bytes.length
  }

  /** Takes what is missing. Returns what follows it. */
  take(input: Uint8Array): Uint8Array {
    const missing = Math.min(this.#bytes.length - this.#length, input.byteLength)
    this.#bytes.set(input.subarray(0, missing), this.#length)
    this.#length += missing
    return input.subarray(missing)
  }
}

/** A portion that was written, in parts: it may be longer than what goes through between two turns. */
export class Portion {
  readonly #bytes: Uint8Array
  readonly #length: number
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#length = bytes.byteLength
  }

  /** Whether there are parts left. */
  get hasMore(): boolean {
    return this.#at < this.#length
  }

  /** The next part. @throws InvalidRequestError where the writer has taken the bytes away meanwhile */
  next(): Uint8Array {
    // Memory that was transferred, or a resizable one that was cut, has no bytes: less would be sealed than was written.
    if (this.#bytes.byteLength !== this.#length) {
      throw new InvalidRequestError('the memory of what was written was taken away before it went through')
    }
    const part = this.#bytes.subarray(this.#at, this.#at + bytesPerTurn)
    this.#at += part.byteLength
    return part
  }
}

/** When others get a turn. A source that always has more, and a sink that always takes it, would give them none. */
export class Pace {
  readonly #timers: Timers
  #sinceTurn = 0

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Whether enough went through since the last turn, of this portion and of those before. */
  get isDue(): boolean {
    return this.#sinceTurn >= bytesPerTurn
  }

  /** So many bytes went through. */
  count(bytes: number): void {
    this.#sinceTurn += bytes
  }

  /** Resolves after others had a turn. */
  async turn(): Promise<void> {
    this.#sinceTurn = 0
    await this.#timers.turn()
  }
}
