import type { Kms } from '@chatelaine/core'
import { ed25519, ed25519ph, x25519 } from '@noble/curves/ed25519.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ecPkcs8, ecSpki, oids, spki } from '../wycheproof/der.ts'
import { broughtKey, bytes, madeKey, openHouse } from './house.ts'

const curves = [
  { spec: 'ECC_NIST_P256', curve: p256, oid: oids.secp256r1, hash: sha256 },
  { spec: 'ECC_NIST_P384', curve: p384, oid: oids.secp384r1, hash: sha384 },
  { spec: 'ECC_NIST_P521', curve: p521, oid: oids.secp521r1, hash: sha512 },
  { spec: 'ECC_SECG_P256K1', curve: secp256k1, oid: oids.secp256k1, hash: sha256 },
] as const
const formats = [
  ['DER', 'der'],
  ['P1363', 'compact'],
] as const

const message = Buffer.from('read elsewhere, written elsewhere')
const other = Buffer.from('another message')

let kms: Kms
beforeAll(async () => {
  kms = await openHouse()
})
afterAll(async () => kms.close())

describe.each(curves)('ECDSA on $spec and @noble/curves', ({ spec, curve, oid, hash }) => {
  const point = async (key: string): Promise<Buffer> =>
    (await kms.getPublicKey({ key })).publicKey.subarray(-curve.lengths.publicKeyUncompressed!)
  const given = {
    RAW: message,
    DIGEST: bytes(hash(message)),
  }
  const mine = { spec, usage: 'SIGN_VERIFY' }

  test.each(formats)('agree on signatures made here, in %s', async (format, theirs) => {
    const key = await madeKey(kms, spec, 'SIGN_VERIFY')
    const publicKey = await point(key)
    for (const messageType of ['RAW', 'DIGEST'] as const) {
      const { signature } = await kms.sign({ key, message: given[messageType], messageType, format })
      const verifies = (of: Uint8Array) => curve.verify(signature, of, publicKey, { format: theirs, lowS: false })
      expect([verifies(message), verifies(other)]).toEqual([true, false])
    }
  })

  test.each(formats)('agree on signatures made there, in %s', async (format, theirs) => {
    const { secretKey, publicKey } = curve.keygen()
    const spkiBytes = ecSpki(oid, curve.Point.fromBytes(publicKey).toBytes(false))
    const key = await broughtKey(kms, mine, { format: 'spki', bytes: spkiBytes })
    const signature = curve.sign(message, secretKey, { format: theirs, lowS: false })
    for (const messageType of ['RAW', 'DIGEST'] as const) {
      const request = { key, messageType, format, signature }
      expect(await kms.verify({ ...request, message: given[messageType] })).toMatchObject({ valid: true })
      const wrong = messageType === 'RAW' ? other : bytes(hash(other))
      expect(await kms.verify({ ...request, message: wrong })).toMatchObject({ valid: false })
    }
  })

  test('agree on the public half of a private key made there, and on what it signs', async () => {
    const { secretKey, publicKey } = curve.keygen()
    const key = await broughtKey(kms, mine, { format: 'pkcs8', bytes: ecPkcs8(oid, secretKey) })
    expect(await point(key)).toEqual(bytes(curve.Point.fromBytes(publicKey).toBytes(false)))
    const { signature } = await kms.sign({ key, message })
    expect(curve.verify(signature, message, publicKey, { format: 'der', lowS: false })).toBe(true)
  })
})

describe.each(curves.slice(0, 3))('ECDH on $spec and @noble/curves', ({ spec, curve, oid }) => {
  test('agree on the secret', async () => {
    const made = await madeKey(kms, spec, 'KEY_AGREEMENT')
    const { publicKey: mine } = await kms.getPublicKey({ key: made })
    const { secretKey, publicKey } = curve.keygen()
    const point = curve.Point.fromBytes(publicKey).toBytes(false)
    const { sharedSecret } = await kms.deriveSharedSecret({ key: made, publicKey: ecSpki(oid, point) })
    const theirs = curve.getSharedSecret(secretKey, mine.subarray(-point.length), true).subarray(1)
    expect(sharedSecret).toEqual(bytes(theirs))
    const purpose = { spec, usage: 'KEY_AGREEMENT' }
    const brought = await broughtKey(kms, purpose, { format: 'pkcs8', bytes: ecPkcs8(oid, secretKey) })
    expect((await kms.deriveSharedSecret({ key: brought, publicKey: mine })).sharedSecret).toEqual(sharedSecret)
  })
})

describe('Ed25519 and @noble/curves', () => {
  const spec = 'ECC_NIST_EDWARDS25519'
  const kinds = [
    { algorithm: 'ED25519_SHA_512', curve: ed25519, types: ['RAW'] },
    { algorithm: 'ED25519_PH_SHA_512', curve: ed25519ph, types: ['RAW', 'DIGEST'] },
  ] as const
  const given = (type: 'RAW' | 'DIGEST', of: Uint8Array): Buffer => bytes(type === 'RAW' ? of : sha512(of))

  test.each(kinds)('agree on signatures made here with $algorithm', async ({ algorithm, curve, types }) => {
    const key = await madeKey(kms, spec, 'SIGN_VERIFY')
    const publicKey = (await kms.getPublicKey({ key })).publicKey.subarray(-32)
    for (const messageType of types) {
      const { signature } = await kms.sign({ key, algorithm, messageType, message: given(messageType, message) })
      const verifies = (of: Uint8Array) => curve.verify(signature, of, publicKey, { zip215: false })
      expect([verifies(message), verifies(other)]).toEqual([true, false])
    }
  })

  test.each(kinds)('agree on signatures made there with $algorithm', async ({ algorithm, curve, types }) => {
    const { secretKey, publicKey } = ed25519.keygen()
    const signature = bytes(curve.sign(message, secretKey))
    const purpose = { spec, usage: 'SIGN_VERIFY' }
    const half = await broughtKey(kms, purpose, { format: 'spki', bytes: spki(oids.ed25519, publicKey) })
    const whole = await broughtKey(kms, purpose, { format: 'raw', bytes: secretKey })
    for (const messageType of types) {
      const request = { algorithm, messageType, message: given(messageType, message) }
      expect(await kms.verify({ ...request, key: half, signature })).toMatchObject({ valid: true })
      const wrong = { ...request, message: given(messageType, other) }
      expect(await kms.verify({ ...wrong, key: half, signature })).toMatchObject({ valid: false })
      // These signatures are deterministic.
      expect((await kms.sign({ ...request, key: whole })).signature).toEqual(signature)
    }
  })
})

describe('X25519 and @noble/curves', () => {
  test('agree on the secret', async () => {
    const made = await madeKey(kms, 'X25519', 'KEY_AGREEMENT')
    const { publicKey: mine } = await kms.getPublicKey({ key: made })
    const { secretKey, publicKey } = x25519.keygen()
    const { sharedSecret } = await kms.deriveSharedSecret({ key: made, publicKey: spki(oids.x25519, publicKey) })
    expect(sharedSecret).toEqual(bytes(x25519.getSharedSecret(secretKey, mine.subarray(-32))))
    const purpose = { spec: 'X25519', usage: 'KEY_AGREEMENT' }
    const brought = await broughtKey(kms, purpose, { format: 'raw', bytes: secretKey })
    expect((await kms.deriveSharedSecret({ key: brought, publicKey: mine })).sharedSecret).toEqual(sharedSecret)
  })
})
