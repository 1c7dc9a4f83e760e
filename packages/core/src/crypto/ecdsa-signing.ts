import type { KeyObject } from 'node:crypto'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { wipe } from '../internal/bytes.ts'
import { ownOnly } from '../internal/own.ts'
import { pointOf, scalarOfKey, type Curve } from './ec-material.ts'
import { spkiOf } from './key-pair.ts'
import { oneAtATime } from './one-at-a-time.ts'
import {
  signQuickly,
  verifyQuickly,
  type SignatureFormat,
  type SigningAlgorithm,
  type SigningInput,
} from './signing.ts'

/** The curve's arithmetic, for the digests that node:crypto would hash again. */
const noble = Object.freeze({ prime256v1: p256, secp384r1: p384, secp521r1: p521, secp256k1 })

const nobleFormats = Object.freeze({ DER: 'der', P1363: 'compact' } as const)

/**
 * ECDSA (FIPS 186-5 section 6). A digest is signed with `k` of RFC 6979 and fresh randomness (section 3.6).
 *
 * **Signatures are no ids**: who has one (r, s) has another, (r, n − s), of the same message.
 */
export function ecdsa(
  name: string,
  hash: { readonly name: string; readonly bytes: number },
  curve: Curve,
): SigningAlgorithm {
  return {
    name,
    digestBytes: hash.bytes,
    hasFormats: true,
    sign: (key, { type, bytes, format }) =>
      type === 'RAW'
        ? signQuickly(hash.name, bytes, inputOf(key, format))
        : oneAtATime(() => signDigest(key, bytes, { curve, format })),
    verify: async (key, { type, bytes, format }, signature) =>
      type === 'RAW'
        ? verifyQuickly({ hash: hash.name, message: bytes, input: inputOf(key, format), signature })
        : oneAtATime(() => verifyDigest({ key, digest: bytes, signature }, { curve, format })),
  }
}

function inputOf(key: KeyObject, format: SignatureFormat): SigningInput {
  return format === 'DER' ? key : ownOnly({ key, dsaEncoding: 'ieee-p1363' } as const)
}

interface How {
  readonly curve: Curve
  readonly format: SignatureFormat
}

function signDigest(key: KeyObject, digest: Buffer, { curve, format }: How): Buffer {
  const scalar = scalarOfKey(key)
  try {
    const options = { prehash: false, lowS: false, extraEntropy: true, format: nobleFormats[format] }
    return Buffer.from(noble[curve.name].sign(digest, scalar, options))
  } finally {
    wipe(scalar)
  }
}

function verifyDigest(on: { key: KeyObject; digest: Buffer; signature: Buffer }, { curve, format }: How): boolean {
  const point = pointOf(spkiOf(on.key), curve)
  try {
    const options = { prehash: false, lowS: false, format: nobleFormats[format] }
    return noble[curve.name].verify(on.signature, on.digest, point, options)
  } catch {
    return false
  }
}
