import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { allocate, wipe } from '../internal/bytes.ts'

/**
 * A symmetric secret. Node prints it as `SecretKeyObject {}` and JSON as `{}`; {@link secretBytes} alone exports its bytes.
 */
export type SecretKey = KeyObject

/** Takes bytes over as a secret, and wipes them. (Raw bytes as keys would also be four times slower in Node 24.) */
export function secretKey(bytes: Uint8Array): SecretKey {
  const key = createSecretKey(bytes)
  wipe(bytes)
  return key
}

/** The bytes of a secret, for what takes no `KeyObject`. The one place that reads them: whoever calls it wipes them. */
export function secretBytes(key: SecretKey): Buffer {
  return key.export()
}

/** HMAC-SHA256 of the parts, one after the other (RFC 2104). */
export function hmacSha256(key: SecretKey, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const mac = createHmac('sha256', key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

/**
 * The first two blocks of HKDF-Expand with SHA-512 (RFC 5869 section 2.3), 128 bytes. Whoever calls it wipes them.
 * Node's own refuses an `info` over 1,024 bytes.
 */
export function expandBlocks(key: SecretKey, info: Uint8Array): Blocks {
  const first = createHmac('sha512', key).update(info).update(one).digest()
  return { first, second: createHmac('sha512', key).update(first).update(info).update(two).digest() }
}

/** What {@link expandBlocks} makes: 64 bytes each. */
export interface Blocks {
  readonly first: Buffer
  readonly second: Buffer
}

/** HKDF-Expand with SHA-512, for at most 128 bytes. @throws RangeError beyond that. */
export function expandSha512(key: SecretKey, info: Uint8Array, length: number): Buffer {
  if (length > 128) throw new RangeError('only two blocks are expanded here')
  const { first, second } = expandBlocks(key, info)
  const expanded = allocate(length)
  expanded.set(first.subarray(0, length))
  if (length > first.length) expanded.set(second.subarray(0, length - first.length), first.length)
  wipe(first)
  wipe(second)
  return expanded
}

const one = Buffer.from([1])
const two = Buffer.from([2])
