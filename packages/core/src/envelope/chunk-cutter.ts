import { allocate, wipe } from '../internal/bytes.ts'

/** Cuts bytes that come in portions of any size into chunks of one size. What does not fill a chunk waits for more. */
export class ChunkCutter {
  readonly #size: number
  readonly #rest: Buffer
  #held = 0

  constructor(size: number) {
    this.#size = size
    this.#rest = allocate(size)
  }

  /** How many chunks these bytes make whole, with those that wait. */
  countWith(input: Uint8Array): number {
    return Math.floor((this.#held + input.byteLength) / this.#size)
  }

  /** Hands on every chunk that became whole, in order and several at once where they lie together, and keeps the rest. */
  cut(input: Uint8Array, whole: (chunks: Uint8Array) => void): void {
    const missing = this.#held === 0 ? 0 : this.#size - this.#held
    if (input.byteLength < missing) return this.#keep(input)
    if (missing > 0) {
      this.#rest.set(input.subarray(0, missing), this.#held)
      whole(this.#rest)
      this.#held = 0
    }
    const end = input.byteLength - ((input.byteLength - missing) % this.#size)
    if (end > missing) whole(input.subarray(missing, end))
    this.#keep(input.subarray(end))
  }

  /** What waits: less than a chunk. */
  get rest(): Buffer {
    return this.#rest.subarray(0, this.#held)
  }

  /** Forgets what waits. */
  wipe(): void {
    wipe(this.#rest)
    this.#held = 0
  }

  #keep(input: Uint8Array): void {
    this.#rest.set(input, this.#held)
    this.#held += input.byteLength
  }
}
