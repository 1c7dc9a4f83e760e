import type { KeyObject } from 'node:crypto'
import { eddsa } from '@noble/curves/abstract/edwards.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { wipe } from '../internal/bytes.ts'
import { pkcs8Of, spkiOf } from './key-pair.ts'
import { oneAtATime, sha512InSlices } from './one-at-a-time.ts'
import { signQuickly, verifyQuickly, type SigningAlgorithm, type ToSign } from './signing.ts'

/** Ed25519 as it is (RFC 8032 section 5.1), over messages. */
export const ed25519Pure: SigningAlgorithm = Object.freeze({
  name: 'ED25519_SHA_512',
  sign: (key: KeyObject, { bytes }: ToSign) => signQuickly(null, bytes, key),
  verify: async (key: KeyObject, { bytes }: ToSign, signature: Buffer) =>
    verifyQuickly({ hash: null, message: bytes, input: key, signature }),
})

/**
 * Ed25519ph (RFC 8032 section 5.1) without a context, over messages or their SHA-512 digests. node:crypto has no
 * prehashed Ed25519.
 */
export const ed25519Prehashed: SigningAlgorithm = Object.freeze({
  name: 'ED25519_PH_SHA_512',
  digestBytes: 64,
  sign: async (key: KeyObject, message: ToSign) => {
    const digest = await digested(message)
    return oneAtATime(() => signDigest(key, digest))
  },
  verify: async (key: KeyObject, message: ToSign, signature: Buffer) => {
    const digest = await digested(message)
    return oneAtATime(() => verifyDigest(key, digest, signature))
  },
})

function signDigest(key: KeyObject, digest: Buffer): Buffer {
  const pkcs8 = pkcs8Of(key)
  try {
    return Buffer.from(onDigests.sign(digest, pkcs8.subarray(-32)))
  } finally {
    wipe(pkcs8)
  }
}

function verifyDigest(key: KeyObject, digest: Buffer, signature: Buffer): boolean {
  try {
    return onDigests.verify(signature, digest, spkiOf(key).subarray(-32), { zip215: false })
  } catch {
    return false
  }
}

async function digested({ type, bytes }: ToSign): Promise<Buffer> {
  return type === 'RAW' ? sha512InSlices(bytes) : bytes
}

const dom2 = Buffer.from('SigEd25519 no Ed25519 collisions\x01\x00', 'latin1')

/** Ed25519ph for a message that was hashed already: `dom2(1, "")` of RFC 8032 section 2 before everything hashed. */
const onDigests = eddsa(ed25519.Point, sha512, {
  domain: (data: Uint8Array) => Buffer.concat([dom2, data]),
  adjustScalarBytes: (bytes: Uint8Array) => {
    bytes[0] = (bytes[0] as number) & 248
    bytes[31] = ((bytes[31] as number) & 127) | 64
    return bytes
  },
})
