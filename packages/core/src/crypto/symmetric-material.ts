import { InvalidRequestError } from '../errors.ts'
import { copyBytes } from '../internal/bytes.ts'
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
  return bytes
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
