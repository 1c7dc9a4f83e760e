import {
  chunkBytes,
  maxChunks,
  messageKey,
  saltBytes,
  sealChunks,
  sealedChunkBytes,
  tagBytes,
  type MessageKey,
} from '../crypto/chunked-encryption.ts'
import { randomBytesOf, type Randomness } from '../crypto/randomness.ts'
import { LimitExceededError } from '../errors.ts'
import { allocate, wipe } from '../internal/bytes.ts'
import type { EncodedContext, Material } from '../stages.ts'
import { ChunkCutter } from './chunk-cutter.ts'
import { encodeHeader } from './header.ts'
import { bodyContext, freshDataKey } from './seal.ts'
import { wrapped } from './suite.ts'

/**
 * Seals a CM1 message in suite 0x02 from bytes that come one after the other. Put together, what comes out is what
 * `seal` makes: whoever reads it cannot tell which of them it was.
 *
 * ```text
 * start: H ‖ EDK ‖ salt ‖ commitment      update: chunks of 16,384 bytes      final: the last chunk, which is shorter
 * ```
 *
 * Without what `final` returns it is no message.
 */
export class SealStream {
  /** What stands before the chunks. */
  readonly start: Buffer
  readonly #waiting = new ChunkCutter(chunkBytes)
  #message: MessageKey | undefined
  #next: number

  /** @param first - number of the first chunk, for whoever has to try the last ones. */
  constructor(message: MessageKey, start: Buffer, first = 0) {
    this.#message = message
    this.start = start
    this.#next = first
  }

  /** Seals every chunk that is full now. @throws LimitExceededError beyond 2^32 chunks */
  update(input: Uint8Array): Buffer {
    const count = this.#waiting.countWith(input)
    // One more is needed for the end.
    if (this.#next + count >= maxChunks) throw new LimitExceededError('a message holds less than 64 TiB')
    const out = allocate(count * sealedChunkBytes)
    let done = 0
    this.#waiting.cut(input, (plaintext) => {
      const sealed = out.subarray(done * sealedChunkBytes)
      const chunks = plaintext.byteLength / chunkBytes
      done += chunks
      this.#seal({ plaintext, sealed }, chunks)
    })
    return out
  }

  /** Seals the last chunk. */
  final(): Buffer {
    const { rest } = this.#waiting
    const out = allocate(rest.length + tagBytes)
    this.#seal({ plaintext: rest, sealed: out }, 1)
    return out
  }

  /** Forgets the key, and what waits to be sealed. */
  drop(): void {
    this.#message = undefined
    this.#waiting.wipe()
  }

  #seal(body: { plaintext: Uint8Array; sealed: Uint8Array }, chunks: number): void {
    const first = this.#next
    this.#next += chunks
    sealChunks(this.#message as MessageKey, { ...body, begins: first }, { first, end: this.#next })
  }
}

/** Begins a message under a random data key, which the material protects. The inverse is `openStream`. */
export function sealStream(material: Material, context: EncodedContext, random: Randomness): SealStream {
  const header = encodeHeader({ suite: wrapped, keyId: material.keyId, keyVersion: material.keyVersion })
  const { edk, secret } = freshDataKey(material, Buffer.concat([header, context.bytes]), random)
  const salt = randomBytesOf(random, saltBytes)
  const message = messageKey(secret, salt, bodyContext)
  const start = Buffer.concat([header, edk, salt, message.commitment])
  wipe(edk)
  return new SealStream(message, start)
}
