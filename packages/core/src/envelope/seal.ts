import {
  chunkBytes,
  chunkCount,
  messageKey,
  prefixBytes,
  saltBytes,
  sealChunks,
  sealSmall,
  sealedLength,
  type Body,
  type MessageKey,
} from '../crypto/chunked-encryption.ts'
import { randomBytesOf, type Randomness } from '../crypto/randomness.ts'
import { secretKey, type SecretKey } from '../crypto/secret-key.ts'
import type { Timers } from '../internal/clock.ts'
import type { EncodedContext, Material } from '../stages.ts'
import { encodeHeader, encryptedDataKeyBytes, headerBytes } from './header.ts'
import { wrapped, type Suite } from './suite.ts'

/** What sealing needs from outside. */
export interface Tools {
  readonly random: Randomness
  readonly timers: Timers
}

/** What to seal. */
export interface Plain {
  readonly suite: Suite
  readonly plaintext: Uint8Array
  readonly context: EncodedContext
}

/** Context of a suite 0x02 body, which re-encryption leaves alone: `"CM1" 0x02`. */
export const bodyContext: Buffer = Buffer.from([0x43, 0x4d, 0x31, wrapped.code])

/** How many chunks are sealed or opened before others get a turn: 1 MiB, well under 10 ms. */
export const chunksPerTurn: number = (1024 * 1024) / chunkBytes

/**
 * Seals a CM1 message.
 *
 * ```text
 * derived, data key:  H ‖ salt ‖ commitment ‖ chunks                under the material, context H ‖ EC
 * wrapped:            H ‖ EDK ‖ salt ‖ commitment ‖ chunks          EDK as above, the body under the data key in it
 * ```
 *
 * It commits to key, version, suite and encryption context. It hides neither the plaintext's length nor which key it is.
 * What takes no longer than one turn is there at once.
 */
export function seal(material: Material, plain: Plain, tools: Tools): Buffer | Promise<Buffer> {
  const header = encodeHeader({ suite: plain.suite, keyId: material.keyId, keyVersion: material.keyVersion })
  const context = Buffer.concat([header, plain.context.bytes])
  const { plaintext } = plain
  if (!plain.suite.wrapped) return sealBody({ start: header, secret: material.secret, context, plaintext }, tools)
  const { edk, secret } = freshDataKey(material, context, tools.random)
  return sealBody({ start: Buffer.concat([header, edk]), secret, context: bodyContext, plaintext }, tools)
}

/** A random data key, and what a suite 0x02 message carries of it. */
export function freshDataKey(material: Material, context: Uint8Array, random: Randomness): FreshDataKey {
  const dataKey = randomBytesOf(random, 32)
  const edk = sealSmall(material.secret, context, { salt: randomBytesOf(random, saltBytes), plaintext: dataKey })
  return { edk, secret: secretKey(dataKey) }
}

/** What {@link freshDataKey} makes. */
export interface FreshDataKey {
  /** The data key under the material: 104 bytes. */
  readonly edk: Buffer
  readonly secret: SecretKey
}

/** Puts the data key of a suite 0x02 message under another material or context. The body's bytes stay as they are. */
export function resealDataKey(message: Buffer, dataKey: Buffer, to: ResealTarget): Buffer {
  const { keyId, keyVersion, secret } = to.material
  const header = encodeHeader({ suite: wrapped, keyId, keyVersion })
  const context = Buffer.concat([header, to.context.bytes])
  const edk = sealSmall(secret, context, { salt: to.salt, plaintext: dataKey })
  return Buffer.concat([header, edk, message.subarray(headerBytes + encryptedDataKeyBytes)])
}

/** What {@link resealDataKey} seals for. */
export interface ResealTarget {
  readonly material: Material
  readonly context: EncodedContext
  readonly salt: Buffer
}

interface BodyPlan {
  /** What stands before the body. */
  readonly start: Buffer
  readonly secret: SecretKey
  readonly context: Buffer
  readonly plaintext: Uint8Array
}

function sealBody({ start, secret, context, plaintext }: BodyPlan, tools: Tools): Buffer | Promise<Buffer> {
  const out = Buffer.allocUnsafeSlow(start.length + sealedLength(plaintext.byteLength))
  out.set(start)
  const salt = out.subarray(start.length, start.length + saltBytes)
  tools.random.fill(salt)
  const message = messageKey(secret, salt, context)
  out.set(message.commitment, start.length + saltBytes)
  const body = { plaintext, sealed: out.subarray(start.length + prefixBytes) }
  const count = chunkCount(plaintext.byteLength)
  sealChunks(message, body, { first: 0, end: Math.min(chunksPerTurn, count) })
  return count <= chunksPerTurn ? out : sealRest(message, body, tools.timers).then(() => out)
}

async function sealRest(message: MessageKey, body: Body, timers: Timers): Promise<void> {
  const count = chunkCount(body.plaintext.byteLength)
  for (let first = chunksPerTurn; first < count; first += chunksPerTurn) {
    await timers.turn()
    sealChunks(message, body, { first, end: Math.min(first + chunksPerTurn, count) })
  }
}
