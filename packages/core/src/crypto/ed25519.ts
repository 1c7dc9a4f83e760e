import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { wipe } from '../internal/bytes.ts'

/** An Ed25519 signing key. */
export type SigningKey = KeyObject

// RFC 8410 section 7: a PKCS#8 PrivateKeyInfo of an Ed25519 seed has this fixed beginning, an SPKI this one.
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const spki = Buffer.from('302a300506032b6570032100', 'hex')

/** The signing key of a 32-byte seed, which is wiped (RFC 8032). */
export function signingKey(seed: Uint8Array): SigningKey {
  const der = Buffer.concat([pkcs8, seed])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  wipe(der)
  wipe(seed)
  return key
}

/** The 32 raw bytes of the public key. */
export function publicKeyOf(key: SigningKey): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(spki.length)
}

/** A signature of 64 bytes. */
export function signEd25519(key: SigningKey, message: Uint8Array): Buffer {
  return sign(null, message, { __proto__: null, key } as { key: SigningKey })
}

/** Whether a signature is of this message under this raw public key. */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.concat([spki, publicKey]), format: 'der', type: 'spki' })
  return verify(null, message, { __proto__: null, key } as { key: KeyObject }, signature)
}
