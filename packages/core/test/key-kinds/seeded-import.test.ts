import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KeyMaterial, KeySpec } from '../../src/index.ts'
import { expectCode, makeWorld } from '../support/kms.ts'
import { der } from './rsa-keys.ts'

const { kms } = await makeWorld()

type SeededSpec = Extract<KeySpec, 'ECC_NIST_EDWARDS25519' | 'X25519' | `ML_${string}`>

const bring = async (spec: SeededSpec, material: KeyMaterial) =>
  kms.keys.create({ spec, origin: 'EXTERNAL', material } as { spec: 'ML_DSA_44'; material: KeyMaterial })

/** What Node can make and its types do not know. */
const newerPair = generateKeyPairSync as unknown as (type: string) => { privateKey: KeyObject; publicKey: KeyObject }

const newer = [
  ['ML_DSA_44', 'ml-dsa-44'],
  ['ML_DSA_65', 'ml-dsa-65'],
  ['ML_DSA_87', 'ml-dsa-87'],
  ['ML_KEM_512', 'ml-kem-512'],
  ['ML_KEM_768', 'ml-kem-768'],
  ['ML_KEM_1024', 'ml-kem-1024'],
] as const
const kinds = [['ECC_NIST_EDWARDS25519', 'ed25519'], ['X25519', 'x25519'], ...newer] as const

const raw = (key: KeyObject, format: string): Buffer =>
  (key.export as unknown as (options: { format: string }) => Buffer)({ format })
const pkcs8 = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'pkcs8' })
const spki = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' })

/** The AlgorithmIdentifier of a key of this kind. */
const algorithmOf = (key: KeyObject): Buffer => {
  const bytes = spki(key)
  const start = bytes[1]! < 128 ? 2 : 2 + (bytes[1]! & 0x7f)
  return bytes.subarray(start, start + 2 + bytes[start + 1]!)
}
const privateInfo = (key: KeyObject, contents: Buffer): Buffer =>
  der(0x30, Buffer.from('020100', 'hex'), algorithmOf(key), der(4, contents))

describe.each(kinds)('a key of %s', (spec, type) => {
  const { privateKey, publicKey } = newerPair(type)

  test('B42 comes as PKCS#8, JWK or seed, and is the same key', async () => {
    const jwk = privateKey.export({ format: 'jwk' })
    const seed = spec.startsWith('ML_') ? raw(privateKey, 'raw-seed') : pkcs8(privateKey).subarray(-32)
    const forms: KeyMaterial[] = [
      { format: 'pkcs8', bytes: pkcs8(privateKey) },
      { format: 'jwk', jwk },
      { format: 'raw', bytes: seed },
    ]
    for (const material of forms) {
      const key = await bring(spec, material)
      expect((await key.getPublicKey()).publicKey).toEqual(spki(publicKey))
    }
  })

  test.each([0, 1, 31, 33, 63, 65, 128])('B42 with a seed of %i bytes is refused', async (length) => {
    await expectCode(bring(spec, { format: 'raw', bytes: Buffer.alloc(length, 7) }), 'INVALID_REQUEST')
  })

  test.each(kinds.filter(([other]) => other !== spec))('B42 that is one of %s is refused', async (_, other) => {
    const pair = newerPair(other)
    await expectCode(bring(spec, { format: 'pkcs8', bytes: pkcs8(pair.privateKey) }), 'INVALID_REQUEST')
    await expectCode(bring(spec, { format: 'spki', bytes: spki(pair.publicKey) }), 'INVALID_REQUEST')
  })

  test('B42 whose JWK holds the public half of another key is refused', async () => {
    const jwk = privateKey.export({ format: 'jwk' }) as Record<string, string>
    const other = newerPair(type).publicKey.export({ format: 'jwk' }) as Record<string, string>
    const half = 'x' in jwk ? 'x' : 'pub'
    await expectCode(bring(spec, { format: 'jwk', jwk: { ...jwk, [half]: other[half] } }), 'INVALID_REQUEST')
  })

  test('C52 whose secret is one byte over and over is refused', async () => {
    const bytes = Buffer.alloc(spec.startsWith('ML_KEM') ? 64 : 32, 0)
    await expectCode(bring(spec, { format: 'raw', bytes }), 'INVALID_REQUEST')
  })
})

describe.each(newer)('a private key of %s', (spec, type) => {
  const { privateKey, publicKey } = newerPair(type)
  const seed = raw(privateKey, 'raw-seed')
  const expanded = der(4, expandedOf(privateKey, seed))
  const tagged = Buffer.concat([Buffer.from([0x80, seed.length]), seed])
  const both = (one: Buffer): Buffer => der(0x30, der(4, one), expanded)

  test('B42 with seed and expanded form is taken', async () => {
    for (const contents of [tagged, both(seed)]) {
      const key = await bring(spec, { format: 'pkcs8', bytes: privateInfo(publicKey, contents) })
      expect((await key.getPublicKey()).publicKey).toEqual(spki(publicKey))
    }
  })

  test('B42 without its seed is refused, since a seed is all that is kept', async () => {
    await expectCode(bring(spec, { format: 'pkcs8', bytes: privateInfo(publicKey, expanded) }), 'INVALID_REQUEST')
  })

  test('B42 whose seed and expanded form are of different keys is refused', async () => {
    const other = raw(newerPair(type).privateKey, 'raw-seed')
    await expectCode(bring(spec, { format: 'pkcs8', bytes: privateInfo(publicKey, both(other)) }), 'INVALID_REQUEST')
  })

  test('B42 whose expanded form was changed in its last bit is refused', async () => {
    const bytes = privateInfo(publicKey, both(seed))
    bytes[bytes.length - 1]! ^= 1
    await expectCode(bring(spec, { format: 'pkcs8', bytes }), 'INVALID_REQUEST')
  })
})

/** The expanded form, which OpenSSL writes after the seed: RFC 9881 and RFC 9935. */
function expandedOf(key: KeyObject, seed: Buffer): Buffer {
  const bytes = pkcs8(key)
  const at = bytes.indexOf(seed) + seed.length
  expect(at).toBeGreaterThan(seed.length)
  return bytes.subarray(at + 4)
}
