import {
  chunkCount,
  openChunks,
  openPrefix,
  openSmall,
  openedLength,
  prefixBytes,
  type Body,
  type MessageKey,
} from '../crypto/chunked-encryption.ts'
import { secretKey, type SecretKey } from '../crypto/secret-key.ts'
import { InvalidCiphertextError } from '../errors.ts'
import { wipe } from '../internal/bytes.ts'
import type { Timers } from '../internal/clock.ts'
import { withReason } from '../internal/reason.ts'
import type { EncodedContext, Material } from '../stages.ts'
import { encryptedDataKeyBytes, headerBytes, parseHeader, type Header } from './header.ts'
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
  const context = Buffer.concat([sealed.message.subarray(0, headerBytes), sealed.context.bytes])
  if (!sealed.suite.wrapped) {
    return openBody(sealed.message.subarray(headerBytes), { secret: material.secret, context }, timers)
  }
  const dataKey = openDataKey(material, sealed)
  const body = sealed.message.subarray(headerBytes + encryptedDataKeyBytes)
  return openBody(body, { secret: secretKey(dataKey), context: bodyContext }, timers)
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

async function openBody(body: Buffer, under: Under, timers: Timers): Promise<Buffer> {
  const length = openedLength(body.length)
  if (length === undefined) throw invalidCiphertext('no message has this length')
  const { message, isCommitted } = openPrefix(under.secret, under.context, body)
  const out = Buffer.allocUnsafeSlow(length)
  const chunks = { plaintext: out, sealed: body.subarray(prefixBytes) }
  try {
    if (!isCommitted) {
      openChunks(message, chunks, { first: 0, end: 1 })
      throw invalidCiphertext('the commitment is to another key or context')
    }
    await openAll(message, chunks, timers)
    return out
  } catch (error) {
    wipe(out)
    throw error
  }
}

async function openAll(message: MessageKey, body: Body, timers: Timers): Promise<void> {
  const count = chunkCount(body.plaintext.byteLength)
  for (let first = 0; first < count; first += chunksPerTurn) {
    if (first > 0) await timers.turn()
    const span = { first, end: Math.min(first + chunksPerTurn, count) }
    if (!openChunks(message, body, span)) throw invalidCiphertext('a chunk is not authentic')
  }
}
