import { constants, publicEncrypt, subtle, type KeyObject } from 'node:crypto'
import { ownOnly } from '../internal/own.ts'

/** What the library knows about one RSA encryption algorithm. */
export interface OaepAlgorithm {
  /** Its name in AWS KMS. */
  readonly name: string
  /** The hash of label and mask, by OpenSSL's name. */
  readonly hash: 'sha1' | 'sha256'
  /** The same by Web Crypto's. */
  readonly webHash: 'SHA-1' | 'SHA-256'
  readonly hashBytes: number
  /** Whether it only opens what others made. */
  readonly isForOldCiphertexts?: true
}

/** RSAES-OAEP (RFC 8017 section 7.1) as this library uses it, the default first. */
export const oaepAlgorithms: readonly OaepAlgorithm[] = Object.freeze([
  { name: 'RSAES_OAEP_SHA_256', hash: 'sha256', webHash: 'SHA-256', hashBytes: 32 },
  { name: 'RSAES_OAEP_SHA_1', hash: 'sha1', webHash: 'SHA-1', hashBytes: 20, isForOldCiphertexts: true },
])

/** How many bytes fit: RFC 8017 section 7.1.1, step 1b. */
export function oaepCapacity(key: KeyObject, { hashBytes }: OaepAlgorithm): number {
  return (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8 - 2 * hashBytes - 2
}

const noLabel = new Uint8Array(0)

/** Encrypts under a public key: quick, so at once. The label is empty, the mask's hash the same. */
export function oaepEncrypt(key: KeyObject, plaintext: Buffer, { hash }: OaepAlgorithm): Buffer {
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return publicEncrypt(ownOnly({ key, padding, oaepHash: hash }), plaintext)
}

/**
 * Decrypts in the thread pool, which of node:crypto's two interfaces only Web Crypto does. `undefined` for whatever does
 * not open, which OpenSSL would tell apart.
 */
export async function oaepDecrypt(
  key: KeyObject,
  ciphertext: Buffer,
  { webHash }: OaepAlgorithm,
): Promise<Buffer | undefined> {
  const webKey = key.toCryptoKey(ownOnly({ name: 'RSA-OAEP', hash: webHash }), false, ['decrypt'])
  try {
    return Buffer.from(await subtle.decrypt(ownOnly({ name: 'RSA-OAEP', label: noLabel }), webKey, ciphertext))
  } catch {
    return undefined
  }
}
