import {
  chunkBytes,
  commitmentBytes,
  messageKey,
  openChunks,
  saltBytes,
  sealChunks,
} from '../../crypto/chunked-encryption.ts'
import { sealedChunkBytes, tagBytes, type MessageKey } from '../../crypto/chunked-encryption.ts'
import { equalBytes } from '../../crypto/hash.ts'
import { randomBytesOf, type Randomness } from '../../crypto/randomness.ts'
import type { SecretKey } from '../../crypto/secret-key.ts'
import { ChunkCutter } from '../../envelope/chunk-cutter.ts'
import { noArchive } from './header.ts'

/** What an archive is sealed under, and bound to. */
export interface ArchiveSeal {
  readonly secret: SecretKey
  /** The header. */
  readonly context: Buffer
}

/** Seals what an archive says, as it comes: `salt ‖ commitment ‖ chunks`. */
export async function* sealAll(
  { secret, context, random }: ArchiveSeal & { readonly random: Randomness },
  plaintext: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const salt = randomBytesOf(random, saltBytes)
  const message = messageKey(secret, salt, context)
  yield Buffer.concat([salt, message.commitment])
  const cutter = new ChunkCutter(chunkBytes)
  let index = 0
  for await (const bytes of plaintext) {
    const sealed: Buffer[] = []
    cutter.cut(bytes, (chunks) => {
      const count = chunks.byteLength / chunkBytes
      const out = Buffer.allocUnsafe(count * sealedChunkBytes)
      sealChunks(message, { plaintext: chunks, sealed: out, begins: index }, { first: index, end: index + count })
      index += count
      sealed.push(out)
    })
    if (sealed.length > 0) yield Buffer.concat(sealed)
  }
  const last = Buffer.allocUnsafe(cutter.rest.length + tagBytes)
  sealChunks(message, { plaintext: cutter.rest, sealed: last, begins: index }, { first: index, end: index + 1 })
  cutter.wipe()
  yield last
}

/** The inverse of {@link sealAll}: hands out nothing that was not authenticated. @throws InvalidCiphertextError */
export async function* openAll(
  { secret, context }: ArchiveSeal,
  sealed: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const prefix = new ChunkCutter(saltBytes + commitmentBytes)
  const cutter = new ChunkCutter(sealedChunkBytes)
  let message: MessageKey | undefined
  let index = 0
  for await (const bytes of sealed) {
    let rest: Uint8Array = bytes
    if (message === undefined) {
      const missing = Math.min(bytes.length, saltBytes + commitmentBytes - prefix.rest.length)
      prefix.cut(bytes.subarray(0, missing), (whole) => {
        message = committed(secret, context, whole)
      })
      rest = bytes.subarray(missing)
    }
    const opened: Buffer[] = []
    const key = message
    if (key === undefined) continue
    cutter.cut(rest, (chunks) => {
      const count = chunks.byteLength / sealedChunkBytes
      opened.push(open(key, chunks, { first: index, end: index + count }))
      index += count
    })
    yield* opened
  }
  if (message === undefined || cutter.rest.length < tagBytes) throw noArchive()
  yield open(message, cutter.rest, { first: index, end: index + 1 })
}

function committed(secret: SecretKey, context: Buffer, prefix: Uint8Array): MessageKey {
  const message = messageKey(secret, prefix.subarray(0, saltBytes), context)
  if (equalBytes(message.commitment, prefix.subarray(saltBytes))) return message
  throw noArchive()
}

function open(message: MessageKey, sealed: Uint8Array, span: { readonly first: number; readonly end: number }): Buffer {
  const plaintext = Buffer.allocUnsafeSlow(sealed.byteLength - tagBytes * (span.end - span.first))
  if (openChunks(message, { plaintext, sealed, begins: span.first }, span)) return plaintext
  throw noArchive()
}
