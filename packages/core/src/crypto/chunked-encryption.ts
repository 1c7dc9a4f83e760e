import { createCipheriv, createDecipheriv } from 'node:crypto'
import { allocate, asBuffer, release, wipe } from '../internal/bytes.ts'
import { equalBytes } from './hash.ts'
import { expandBlocks, secretKey, type SecretKey } from './secret-key.ts'

/**
 * C2SP `chunked-encryption@v1` with AES-256-GCM and HKDF-Expand-SHA-512: the one AEAD of this library.
 *
 * ```text
 * info   = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM" 0x00 ‖ salt ‖ context
 * 76 B   = HKDF-Expand-SHA-512(key, info) = key 32 ‖ base nonce 12 ‖ commitment 32
 * result = salt 24 ‖ commitment 32 ‖ chunk*      chunk = AES-256-GCM(≤ 16,384 bytes) ‖ tag 16
 * ```
 *
 * Every chunk but the last holds 16,384 bytes, the last always fewer (maybe none), so that the end is known; the nonce
 * is the base nonce XOR the chunk's number. It commits to its key and context. It says nothing about the length being
 * secret, nor about who made it.
 */
export const saltBytes = 24
/** Length of the commitment that follows the salt. */
export const commitmentBytes = 32
/** Salt and commitment. */
export const prefixBytes: number = saltBytes + commitmentBytes
/** Plaintext bytes in a full chunk. */
export const chunkBytes = 16_384
/** Bytes of a GCM tag. */
export const tagBytes = 16
/** A full chunk with its tag. */
export const sealedChunkBytes: number = chunkBytes + tagBytes
/** How many chunks a message has at most: 64 TiB. */
export const maxChunks: number = 2 ** 32

const label = Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0', 'latin1')
const keyBytes = 32
const nonceBytes = 12
const cipher = 'aes-256-gcm'
const gcm = Object.freeze({ __proto__: null, authTagLength: tagBytes }) as { authTagLength: number }

/** What one message is sealed under. */
export interface MessageKey {
  /** The AES key. */
  readonly key: SecretKey
  /** Base nonce. */
  readonly nonce: Buffer
  /** What the message carries to commit to this key. */
  readonly commitment: Buffer
}

/** Derives the key of one message. @throws RangeError unless the secret has 32 bytes, as the specification has it. */
export function messageKey(secret: SecretKey, salt: Uint8Array, context: Uint8Array): MessageKey {
  if (secret.symmetricKeySize !== keyBytes) throw new RangeError('a key of chunked encryption has 32 bytes')
  const info = Buffer.allocUnsafe(label.length + salt.byteLength + context.byteLength)
  info.set(label)
  info.set(salt, label.length)
  info.set(context, label.length + salt.byteLength)
  const { first, second } = expandBlocks(secret, info)
  const rest = Buffer.allocUnsafe(nonceBytes + commitmentBytes)
  first.copy(rest, 0, keyBytes)
  second.copy(rest, first.length - keyBytes)
  const key = secretKey(first.subarray(0, keyBytes))
  wipe(first)
  wipe(second)
  return { key, nonce: rest.subarray(0, nonceBytes), commitment: rest.subarray(nonceBytes) }
}

/** How long a sealed message is, salt and commitment included. */
export function sealedLength(plaintextLength: number): number {
  return prefixBytes + plaintextLength + (Math.floor(plaintextLength / chunkBytes) + 1) * tagBytes
}

/** How long the plaintext of a sealed message is, or `undefined` where no message has this length. */
export function openedLength(length: number): number | undefined {
  const body = length - prefixBytes
  const last = body % sealedChunkBytes
  if (body < tagBytes || last < tagBytes) return undefined
  return body - (Math.floor(body / sealedChunkBytes) + 1) * tagBytes
}

/** Where chunks are read and written: plaintext and sealed bytes, each from the same chunk on. */
export interface Body {
  readonly plaintext: Uint8Array
  readonly sealed: Uint8Array
  /** The chunk that both begin with. @defaultValue 0 */
  readonly begins?: number
}

/** Seals some of the chunks of a plaintext, each to its place. */
export function sealChunks(message: MessageKey, body: Body, span: Span): void {
  const { plaintext, sealed: out, begins = 0 } = body
  for (let index = span.first; index < span.end; index++) {
    const at = index - begins
    const from = at * chunkBytes
    const gcmCipher = createCipheriv(cipher, message.key, nonceOf(message.nonce, index), gcm)
    const sealed = gcmCipher.update(partOf(plaintext, from))
    gcmCipher.final()
    const { length } = sealed
    out.set(sealed, at * sealedChunkBytes)
    release(sealed)
    out.set(gcmCipher.getAuthTag(), at * sealedChunkBytes + length)
  }
}

function partOf(plaintext: Uint8Array, from: number): Uint8Array {
  return from === 0 && plaintext.byteLength <= chunkBytes ? plaintext : plaintext.subarray(from, from + chunkBytes)
}

/** The inverse of {@link sealChunks}: whether every chunk was authentic. What failed is in `plaintext` then: wipe it. */
export function openChunks(message: MessageKey, body: Body, span: Span): boolean {
  const { plaintext: out, sealed, begins = 0 } = body
  for (let index = span.first; index < span.end; index++) {
    const at = index - begins
    const chunk = sealed.subarray(at * sealedChunkBytes, (at + 1) * sealedChunkBytes)
    const decipher = createDecipheriv(cipher, message.key, nonceOf(message.nonce, index), gcm)
    decipher.setAuthTag(chunk.subarray(chunk.byteLength - tagBytes))
    const plaintext = decipher.update(chunk.subarray(0, chunk.byteLength - tagBytes))
    out.set(plaintext, at * chunkBytes)
    wipe(plaintext)
    release(plaintext)
    try {
      decipher.final()
    } catch {
      return false
    }
  }
  return true
}

/** Chunks from `first` up to, not including, `end`. */
export interface Span {
  /** First chunk. */
  readonly first: number
  /** One past the last chunk. */
  readonly end: number
}

/** How many chunks a plaintext of this length has. */
export function chunkCount(plaintextLength: number): number {
  return Math.floor(plaintextLength / chunkBytes) + 1
}

/** Seals a small message in one go; see {@link messageKey} for the layout. */
export function sealSmall(secret: SecretKey, context: Uint8Array, message: SmallMessage): Buffer {
  const derived = messageKey(secret, message.salt, context)
  const out = Buffer.allocUnsafeSlow(sealedLength(message.plaintext.byteLength))
  out.set(message.salt)
  out.set(derived.commitment, saltBytes)
  const body = { plaintext: message.plaintext, sealed: out.subarray(prefixBytes) }
  sealChunks(derived, body, spanOf(message.plaintext.byteLength))
  return out
}

/** What {@link sealSmall} seals. */
export interface SmallMessage {
  /** 24 random bytes, never used before with this secret. */
  readonly salt: Uint8Array
  /** What to protect. */
  readonly plaintext: Uint8Array
}

/** The inverse of {@link sealSmall}; `undefined` when it does not open, for whatever reason. */
export function openSmall(secret: SecretKey, context: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  const length = openedLength(sealed.byteLength)
  if (length === undefined) return undefined
  const { message, isCommitted } = openPrefix(secret, context, sealed)
  const out = allocate(length)
  const isAuthentic = openChunks(message, { plaintext: out, sealed: sealed.subarray(prefixBytes) }, spanOf(length))
  if (isCommitted && isAuthentic) return out
  out.fill(0)
  return undefined
}

/**
 * The message key of a sealed message, and whether its commitment is to this secret and context, compared in constant
 * time. Whoever opens it tries the first chunk in any case, so that the time tells nobody what was wrong.
 */
export function openPrefix(secret: SecretKey, context: Uint8Array, sealed: Uint8Array): OpenedPrefix {
  const message = messageKey(secret, sealed.subarray(0, saltBytes), context)
  return { message, isCommitted: equalBytes(message.commitment, sealed.subarray(saltBytes, prefixBytes)) }
}

/** What the beginning of a sealed message comes to. Nothing that its key opens is used unless it is committed to. */
export interface OpenedPrefix {
  readonly message: MessageKey
  readonly isCommitted: boolean
}

function spanOf(plaintextLength: number): Span {
  return { first: 0, end: chunkCount(plaintextLength) }
}

/** The base nonce with the chunk's number, big-endian, XORed into its end. @throws RangeError from 2^32 chunks on. */
export function nonceOf(base: Uint8Array, index: number): Uint8Array {
  if (index === 0) return base
  if (index >= maxChunks) throw new RangeError('a message has at most 2^32 chunks')
  const nonce = Buffer.from(asBuffer(base))
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ index) >>> 0, 8)
  return nonce
}
