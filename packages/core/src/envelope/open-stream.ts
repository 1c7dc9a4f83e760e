import {
  chunkBytes,
  maxChunks,
  openChunks,
  prefixBytes,
  sealedChunkBytes,
  tagBytes,
  type MessageKey,
} from '../crypto/chunked-encryption.ts'
import { allocate, wipe } from '../internal/bytes.ts'
import type { Material } from '../stages.ts'
import { ChunkCutter } from './chunk-cutter.ts'
import { bodyOffset } from './header.ts'
import { bodyKey, invalidCiphertext, type SealedMessage } from './open.ts'

/**
 * Opens the chunks of a CM1 message that come one after the other: the inverse of `SealStream`, for both suites.
 *
 * Nothing comes out before the chunk that it is in was verified. That a message is complete shows only at its end:
 * `final` throws for one that was cut off, wherever that was.
 */
export class OpenStream {
  /** Nothing stands before a plaintext. */
  readonly start: Uint8Array = new Uint8Array(0)
  readonly #waiting = new ChunkCutter(sealedChunkBytes)
  #message: MessageKey | undefined
  #next: number

  /** @param first - number of the first chunk, for whoever has to try the last ones. */
  constructor(message: MessageKey, first = 0) {
    this.#message = message
    this.#next = first
  }

  /** Opens every chunk that is whole now. A full one is never the last. @throws InvalidCiphertextError */
  update(input: Uint8Array): Buffer {
    const count = this.#waiting.countWith(input)
    if (this.#next + count >= maxChunks) throw invalidCiphertext('no message has so many chunks')
    const out = allocate(count * chunkBytes)
    let done = 0
    try {
      this.#waiting.cut(input, (sealed) => {
        const plaintext = out.subarray(done * chunkBytes)
        const chunks = sealed.byteLength / sealedChunkBytes
        done += chunks
        this.#open({ plaintext, sealed }, chunks)
      })
      return out
    } catch (error) {
      wipe(out)
      throw error
    }
  }

  /** Opens the last chunk, which is what is left. @throws InvalidCiphertextError where something is missing */
  final(): Buffer {
    const { rest } = this.#waiting
    if (rest.length < tagBytes) throw invalidCiphertext('no message has this length')
    const out = allocate(rest.length - tagBytes)
    try {
      this.#open({ plaintext: out, sealed: rest }, 1)
      return out
    } catch (error) {
      wipe(out)
      throw error
    }
  }

  /** Forgets the key, and what waits to be opened. */
  drop(): void {
    this.#message = undefined
    this.#waiting.wipe()
  }

  #open(body: { plaintext: Uint8Array; sealed: Uint8Array }, chunks: number): void {
    const first = this.#next
    this.#next += chunks
    const span = { first, end: this.#next }
    if (!openChunks(this.#message as MessageKey, { ...body, begins: first }, span)) {
      throw invalidCiphertext('a chunk is not authentic')
    }
  }
}

/**
 * Begins to open a message of which the first bytes are here: its header, what its body is under, and maybe the
 * beginning of its first chunk.
 *
 * @throws InvalidCiphertextError
 */
export function openStream(material: Material, sealed: SealedMessage): OpenStream {
  const bytes = sealed.message.subarray(bodyOffset(sealed.suite) + prefixBytes)
  const stream = new OpenStream(bodyKey(material, sealed, { number: 0, bytes }))
  stream.update(bytes)
  return stream
}
