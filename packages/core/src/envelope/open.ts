import {
  chunkCount,
  openChunks,
  openPrefix,
  openSmall,
  openedLength,
  prefixBytes,
  sealedChunkBytes,
  tagBytes,
  type Body,
  type MessageKey,
  type Span,
} from '../crypto/chunked-encryption.ts'
import { secretKey, type SecretKey } from '../crypto/secret-key.ts'
import { InvalidCiphertextError } from '../errors.ts'
import { allocate, wipe } from '../internal/bytes.ts'
import type { Timers } from '../internal/clock.ts'
import { withReason } from '../internal/reason.ts'
import type { EncodedContext, Material } from '../stages.ts'
import { bodyOffset, encryptedDataKeyBytes, headerBytes, parseHeader, type Header } from './header.ts'
import { bodyContext, chunksPerTurn } from './seal.ts'
import type { Suite } from './suite.ts'

/** The one error of everything that can be wrong with a ciphertext. Why, only the audit record says. */
export function invalidCiphertext(reason: string): InvalidCiphertextError {
  return withReason(new InvalidCiphertextError('the ciphertext does not open'), reason)
}

/** Reads who sealed a message. @throws InvalidCiphertextError unless it is one that this verb opens. */
export function readHeader(message: Buffer, opens: readonly Suite['opens'][]): Header {
  const header = parseHeader(message)
  if (header === undefined) throw invalidCiphertext('not a CM1 message')
  if (!opens.includes(header.suite.opens)) throw invalidCiphertext('another verb opens this suite')
  return header
}

/** A message to open. */
export interface SealedMessage {
  readonly message: Buffer
  readonly suite: Suite
  readonly context: EncodedContext
}

/** The inverse of `seal`. Nothing is returned before the last chunk is verified. @throws InvalidCiphertextError */
export async function open(material: Material, sealed: SealedMessage, timers: Timers): Promise<Buffer> {
  const body = sealed.message.subarray(bodyOffset(sealed.suite))
  const length = openedLength(body.length)
  // A data key that does not open is told apart from a bad length in the record, as it always was.
  const under = secretOf(material, sealed)
  if (length === undefined) throw invalidCiphertext('no message has this length')
  const { message, isCommitted } = openPrefix(under.secret, under.context, body)
  const out = allocate(length)
  const chunks = { plaintext: out, sealed: body.subarray(prefixBytes) }
  try {
    if (!isCommitted) {
      openChunks(message, chunks, { first: 0, end: 1 })
      throw notCommitted()
    }
    await openSpan(message, { body: chunks, span: { first: 0, end: chunkCount(length) } }, timers)
    return out
  } catch (error) {
    wipe(out)
    throw error
  }
}

/**
 * What the chunks of a message are under. Its beginning is enough to tell.
 *
 * @param next - what is opened first with it: tried in any case, so that the time tells nobody what was wrong.
 * @throws InvalidCiphertextError
 */
export function bodyKey(material: Material, sealed: SealedMessage, next: NextChunk): MessageKey {
  const { secret, context } = secretOf(material, sealed)
  const { message, isCommitted } = openPrefix(secret, context, sealed.message.subarray(bodyOffset(sealed.suite)))
  if (isCommitted) return message
  const { number, bytes } = next
  if (bytes.byteLength >= tagBytes) {
    const out = allocate(Math.min(bytes.byteLength, sealedChunkBytes) - tagBytes)
    openChunks(message, { plaintext: out, sealed: bytes, begins: number }, { first: number, end: number + 1 })
    wipe(out)
  }
  throw notCommitted()
}

/** A chunk, or as much of it as is here. */
export interface NextChunk {
  readonly number: number
  readonly bytes: Uint8Array
}

function notCommitted(): InvalidCiphertextError {
  return invalidCiphertext('the commitment is to another key or context')
}

function secretOf(material: Material, sealed: SealedMessage): Under {
  if (sealed.suite.wrapped) return { secret: secretKey(openDataKey(material, sealed)), context: bodyContext }
  const context = Buffer.concat([sealed.message.subarray(0, headerBytes), sealed.context.bytes])
  return { secret: material.secret, context }
}

/** The data key of a suite 0x02 message. Whoever calls it wipes it. @throws InvalidCiphertextError */
export function openDataKey(material: Material, sealed: SealedMessage): Buffer {
  const context = Buffer.concat([sealed.message.subarray(0, headerBytes), sealed.context.bytes])
  const edk = sealed.message.subarray(headerBytes, headerBytes + encryptedDataKeyBytes)
  const dataKey = openSmall(material.secret, context, edk)
  if (dataKey === undefined) throw invalidCiphertext('the data key does not open: wrong key, context or bytes')
  return dataKey
}

interface Under {
  readonly secret: SecretKey
  readonly context: Buffer
}

/** Some chunks of a body. */
export interface BodySpan {
  readonly body: Body
  readonly span: Span
}

/** Opens chunks, with turns for others. What `plaintext` holds afterwards is verified, or to be wiped. @throws InvalidCiphertextError */
export async function openSpan(message: MessageKey, { body, span }: BodySpan, timers: Timers): Promise<void> {
  for (let { first } = span; first < span.end; first += chunksPerTurn) {
    if (first > span.first) await timers.turn()
    const part = { first, end: Math.min(first + chunksPerTurn, span.end) }
    if (!openChunks(message, body, part)) throw invalidCiphertext('a chunk is not authentic')
  }
}
