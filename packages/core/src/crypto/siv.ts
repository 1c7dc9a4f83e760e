import { aessiv } from '@noble/ciphers/aes.js'
import { asBuffer, wipe } from '../internal/bytes.ts'

/** Length of a key of AES-SIV with AES-256: one half authenticates, the other encrypts. */
export const sivKeyBytes = 64
/** Length of the synthetic IV, which stands first and is also the tag. */
export const sivBytes = 16

/**
 * Encrypts by AES-SIV (RFC 5297) with AES-256: the same key, associated data and plaintext give the same bytes.
 *
 * ```text
 * V = S2V(K1, associated data…, plaintext)      result = V ‖ AES-CTR(K2, V without two bits, plaintext)
 * ```
 *
 * Node.js has no AES-SIV, so this is `@noble/ciphers`, which takes the key as bytes: whoever calls it wipes them.
 */
export function sivSeal(key: Uint8Array, associated: readonly Uint8Array[], plaintext: Uint8Array): Buffer {
  return asBuffer(aessiv(key, ...associated).encrypt(plaintext))
}

/** The inverse of {@link sivSeal}; `undefined` where the bytes are not of this key and associated data. */
export function sivOpen(key: Uint8Array, associated: readonly Uint8Array[], sealed: Uint8Array): Buffer | undefined {
  if (sealed.byteLength < sivBytes) return undefined
  try {
    return asBuffer(aessiv(key, ...associated).decrypt(sealed))
  } catch {
    return undefined
  }
}

/** Does something with the first bytes of key material, and wipes all of it, whatever comes of it. */
export function withSivKey<T>(material: Buffer, work: (key: Buffer) => T): T {
  try {
    return work(material.subarray(0, sivKeyBytes))
  } finally {
    wipe(material)
  }
}
