import { createECDH, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { InvalidRequestError } from '../errors.ts'
import { copyBytes, wipe } from '../internal/bytes.ts'
import { derTags, DerReader } from './der.ts'
import type { FreshMaterial, GivenMaterial, MaterialSource } from './fresh-material.ts'
import { madeInDer, pkcs8Of, spkiOf } from './key-pair.ts'

/** A curve by OpenSSL's name, and how long coordinates and the private number are on it. */
export interface Curve {
  readonly name: 'prime256v1' | 'secp384r1' | 'secp521r1' | 'secp256k1'
  readonly bytes: number
}

/** Keys on a named curve (SEC 1, FIPS 186-5), their points uncompressed. */
export function ecMaterial(curve: Curve): MaterialSource {
  return {
    generate: async () => generate(curve),
    adopt: async (given) => adopt(given, curve),
  }
}

/** Quick enough to be done at once. */
function generate(curve: Curve): FreshMaterial {
  const { publicKey, privateKey } = generateKeyPairSync('ec', madeInDer({ namedCurve: curve.name }))
  return { kind: 'private', bytes: privateKey, publicKey }
}

function adopt(given: GivenMaterial, curve: Curve): FreshMaterial {
  if (given.kind === 'symmetric' || given.key.asymmetricKeyType !== 'ec') {
    throw new InvalidRequestError('this key spec takes an elliptic-curve key')
  }
  if (given.key.asymmetricKeyDetails?.namedCurve !== curve.name) {
    throw new InvalidRequestError('the key is on another curve, or does not name it')
  }
  if (given.kind === 'public') {
    pointOf(given.spki, curve)
    return { kind: 'public', bytes: Buffer.from(given.spki), publicKey: Buffer.from(given.spki) }
  }
  const bytes = pkcs8Of(given.key)
  const publicKey = spkiOf(createPublicKey(given.key))
  requirePair({ bytes, publicKey, curve })
  return { kind: 'private', bytes, publicKey }
}

/** OpenSSL takes the public half of a PKCS#8 that carries both on trust. */
function requirePair(pair: { bytes: Buffer; publicKey: Buffer; curve: Curve }): void {
  const scalar = scalarOf(pair.bytes)
  try {
    const ecdh = createECDH(pair.curve.name)
    ecdh.setPrivateKey(scalar)
    if (ecdh.getPublicKey().equals(pointOf(pair.publicKey, pair.curve))) return
  } catch {
    // The scalar is zero, or not below the order of the curve.
  } finally {
    wipe(scalar)
  }
  wipe(pair.bytes)
  throw new InvalidRequestError('the private key is out of range, or its public half is of another key')
}

/**
 * The uncompressed point at the end of a SubjectPublicKeyInfo: `04 ‖ X ‖ Y` (SEC 1 section 2.3.3). OpenSSL has seen
 * that it is on the curve. @throws InvalidRequestError for a compressed one, and for infinity.
 */
export function pointOf(spki: Buffer, curve: Curve): Buffer {
  const point = spki.subarray(-(2 * curve.bytes + 1))
  const overhead = spki.length - point.length
  if (point[0] !== 4 || overhead < 1 || spki[overhead - 1] !== 0 || overhead > 28) {
    throw new InvalidRequestError('the public point is not in its uncompressed form')
  }
  return point
}

/** The private number of an EC key in OpenSSL's PKCS#8 (RFC 5915). Whoever calls it wipes the bytes. */
export function scalarOf(pkcs8: Buffer): Buffer {
  const outer = new DerReader(pkcs8).sequence()
  outer.integer()
  outer.sequence()
  const inner = new DerReader(outer.read(derTags.octetString)).sequence()
  inner.integer()
  return copyBytes(inner.read(derTags.octetString))
}

/** The private number of a key. Whoever calls it wipes the bytes. */
export function scalarOfKey(key: KeyObject): Buffer {
  const pkcs8 = pkcs8Of(key)
  try {
    return scalarOf(pkcs8)
  } finally {
    wipe(pkcs8)
  }
}
