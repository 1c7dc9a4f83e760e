import { wipe } from '../internal/bytes.ts'
import { randomBytesOf, type Randomness } from './randomness.ts'

/**
 * Random bytes for many small needs of one call, taken from the source a block at a time, since asking costs more than
 * what is got. What was handed out is wiped here. It must not outlive the call: whoever makes it discards it.
 */
export class RandomBlock implements Randomness {
  readonly #source: Randomness
  readonly #size: number
  #block: Buffer = Buffer.alloc(0)
  #at = 0

  /** @param size - bytes that are asked for at a time */
  constructor(source: Randomness, size: number) {
    this.#source = source
    this.#size = size
  }

  fill(bytes: Uint8Array): void {
    if (bytes.byteLength > this.#size) return this.#source.fill(bytes)
    if (this.#at + bytes.byteLength > this.#block.length) this.#refill()
    const part = this.#block.subarray(this.#at, this.#at + bytes.byteLength)
    this.#at += bytes.byteLength
    bytes.set(part)
    wipe(part)
  }

  uuid(): string {
    return this.#source.uuid()
  }

  /** Wipes what was not handed out. */
  discard(): void {
    wipe(this.#block)
    this.#at = this.#block.length
  }

  #refill(): void {
    this.discard()
    this.#block = randomBytesOf(this.#source, this.#size)
    this.#at = 0
  }
}
