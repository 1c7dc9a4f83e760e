import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { asBuffer } from '../internal/bytes.ts'
import { ownOnly } from '../internal/own.ts'

/** One half of a key pair. */
export type HalfKey = KeyObject

export type { JsonWebKey }

/** A private key with its public half, or a public key alone. Node prints the halves as `PrivateKeyObject {}`. */
export interface KeyPair {
  /** Absent where only the public half was ever known. */
  readonly privateKey: KeyObject | undefined
  readonly publicKey: KeyObject
}

/** The pair of a private key in PKCS#8 DER (RFC 5208). Throws what OpenSSL throws. */
export function openPrivate(pkcs8: Uint8Array): KeyPair {
  const privateKey = createPrivateKey(ownOnly({ key: asBuffer(pkcs8), format: 'der', type: 'pkcs8' } as const))
  return { privateKey: shielded(privateKey), publicKey: shielded(createPublicKey(privateKey)) }
}

/** A public key in SubjectPublicKeyInfo DER (RFC 5280 section 4.1.2.7), alone. Throws what OpenSSL throws. */
export function openPublic(spki: Uint8Array): KeyPair {
  const publicKey = createPublicKey(ownOnly({ key: asBuffer(spki), format: 'der', type: 'spki' } as const))
  return { privateKey: undefined, publicKey: shielded(publicKey) }
}

const noOptions = Object.freeze(
  Object.fromEntries(['padding', 'saltLength', 'dsaEncoding', 'context'].map((name) => [name, { value: undefined }])),
)

/**
 * A key that can be handed to `sign` and `verify` as it is. They look for their options on it, and would find what
 * somebody put on `Object.prototype`; an object of options around it costs them 20 µs to see that it is no key.
 */
function shielded(key: KeyObject): KeyObject {
  return Object.defineProperties(key, noOptions)
}

/**
 * Options with which a pair is made in DER right away. Of a `KeyObject` that it makes, Node asks whether it has a `kty`,
 * and whatever somebody has put on `Object.prototype` under that name leads to an abort of the process.
 */
export function madeInDer<T extends object>(options: T): T & DerEncodings {
  return ownOnly({
    ...options,
    publicKeyEncoding: ownOnly({ format: 'der', type: 'spki' } as const),
    privateKeyEncoding: ownOnly({ format: 'der', type: 'pkcs8' } as const),
  })
}

interface DerEncodings {
  readonly publicKeyEncoding: { readonly format: 'der'; readonly type: 'spki' }
  readonly privateKeyEncoding: { readonly format: 'der'; readonly type: 'pkcs8' }
}

/** A public key as SubjectPublicKeyInfo in DER. */
export function spkiOf(publicKey: KeyObject): Buffer {
  return publicKey.export(ownOnly({ format: 'der', type: 'spki' } as const))
}

/** A private key as PKCS#8 in DER. Whoever calls it wipes the bytes. */
export function pkcs8Of(privateKey: KeyObject): Buffer {
  return privateKey.export(ownOnly({ format: 'der', type: 'pkcs8' } as const))
}

/** A public key as SubjectPublicKeyInfo in PEM (RFC 7468 section 13). */
export function pemOf(publicKey: KeyObject): string {
  return publicKey.export(ownOnly({ format: 'pem', type: 'spki' } as const)) as string
}

/** A public key as a JSON Web Key (RFC 7517; RFC 8037 and 9964 for the newer kinds). */
export function jwkOf(publicKey: KeyObject): JsonWebKey {
  return publicKey.export(ownOnly({ format: 'jwk' } as const))
}
