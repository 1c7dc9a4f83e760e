import { randomFillSync, randomUUID } from 'node:crypto'
import { allocate } from '../internal/bytes.ts'

/** Where random bytes and ids come from. Injected, so that tests can repeat a run. */
export interface Randomness {
  /** Fills all of `bytes` with unpredictable bytes. Throws when it cannot. */
  fill(bytes: Uint8Array): void
  /** A version 4 UUID. */
  uuid(): string
}

/** The operating system's randomness, through OpenSSL. */
export const systemRandomness: Randomness = Object.freeze({
  fill(bytes: Uint8Array) {
    randomFillSync(bytes)
  },
  uuid: () => randomUUID({ disableEntropyCache: true }),
})

/** Fresh random bytes outside Node's pool. */
export function randomBytesOf(random: Randomness, length: number): Buffer {
  const bytes = allocate(length)
  random.fill(bytes)
  return bytes
}
