import * as node from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { ownOnly } from '../internal/own.ts'
import { UnsupportedOnThisRuntimeError } from '../errors.ts'

/**
 * The raw shared secret of ECDH (SP 800-56A section 5.7.1.2) or X25519 (RFC 7748 section 6.1). `undefined` for a peer's
 * key with which there is none: of another curve, or of small order.
 */
export function sharedSecretOf(privateKey: KeyObject, publicKey: KeyObject): Buffer | undefined {
  try {
    return node.diffieHellman(ownOnly({ privateKey, publicKey }))
  } catch {
    return undefined
  }
}

/** A shared secret, and what lets the holder of the private key arrive at the same. */
export interface Encapsulated {
  readonly sharedSecret: Buffer
  readonly ciphertext: Buffer
}

/** Names of node:crypto that only newer versions have: not imported by name, which older ones would refuse to load. */
interface Kem {
  readonly encapsulate?: (key: KeyObject) => { sharedKey: Buffer; ciphertext: Buffer }
  readonly decapsulate?: (key: KeyObject, ciphertext: Buffer) => Buffer
}

const { encapsulate: encapsulateIn, decapsulate: decapsulateIn } = node as unknown as Kem

/** A fresh shared secret for the holder of a private key (ML-KEM.Encaps of FIPS 203 section 7.2). */
export function encapsulateFor(publicKey: KeyObject): Encapsulated {
  if (encapsulateIn === undefined) throw tooOld()
  const { sharedKey, ciphertext } = encapsulateIn(publicKey)
  return { sharedSecret: sharedKey, ciphertext }
}

/**
 * The shared secret of a ciphertext (ML-KEM.Decaps of FIPS 203 section 7.3). One that was changed gives another secret
 * and no error; `undefined` is for one of the wrong length.
 */
export function decapsulateWith(privateKey: KeyObject, ciphertext: Buffer): Buffer | undefined {
  if (decapsulateIn === undefined) throw tooOld()
  try {
    return decapsulateIn(privateKey, ciphertext)
  } catch {
    return undefined
  }
}

function tooOld(): UnsupportedOnThisRuntimeError {
  return new UnsupportedOnThisRuntimeError('ML-KEM needs Node 24 or later with OpenSSL 3.5')
}
