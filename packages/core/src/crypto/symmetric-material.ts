import { InvalidRequestError } from '../errors.ts'
import { copyBytes } from '../internal/bytes.ts'
import { isOneDerSequence } from './der.ts'
import type { FreshMaterial, GivenMaterial, MaterialSource } from './fresh-material.ts'
import { randomBytesOf } from './randomness.ts'

/** How long secret bytes are: when made, and at least and at most when brought. */
export interface SecretLength {
  readonly made: number
  readonly least: number
  readonly most: number
}

/** Random bytes. */
export function symmetricMaterial(length: SecretLength): MaterialSource {
  return {
    isSecretBytes: true,
    generate: async (random) => fresh(randomBytesOf(random, length.made)),
    adopt: async (given) => fresh(copyBytes(checked(given, length))),
  }
}

function checked(given: GivenMaterial, { least, most }: SecretLength): Buffer {
  if (given.kind !== 'symmetric') throw new InvalidRequestError('this key spec takes secret bytes, not a key pair')
  const { bytes } = given
  if (bytes.length < least || bytes.length > most) {
    throw new InvalidRequestError(`this key spec takes ${least === most ? least : `${least} to ${most}`} bytes`)
  }
  requireRandom(bytes)
  if (looksLikeKeyPair(bytes)) throw new InvalidRequestError('the secret is an encoded key pair or public key')
  return bytes
}

/** What everybody has, such as a public key in PEM or DER, is no secret (CVE-2016-10555). */
function looksLikeKeyPair(bytes: Buffer): boolean {
  return bytes.subarray(0, 11).toString('latin1') === '-----BEGIN ' || (bytes.length >= 44 && isOneDerSequence(bytes))
}

/**
 * One byte over and over is nobody's random key, but what an uninitialized buffer or a test fixture looks like.
 *
 * @throws InvalidRequestError
 */
export function requireRandom(bytes: Buffer): void {
  if (bytes.every((byte) => byte === bytes[0])) throw new InvalidRequestError('the key material is not random')
}

function fresh(bytes: Buffer): FreshMaterial {
  return { kind: 'symmetric', bytes, publicKey: null }
}
