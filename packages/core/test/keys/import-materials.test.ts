import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { GetParametersForImportResult, Kms, KmsErrorCode } from '../../src/index.ts'
import { expectCode, makeWorld, recordOf, type World } from '../support/kms.ts'
import { importOf, keyWrapWith, kwp, kwpAlgorithm, oaep, parameters } from '../support/wrapped-material.ts'

const pkcs8 = { type: 'pkcs8', format: 'der' } as const
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const ecDer = ec.privateKey.export(pkcs8)
const pem = ec.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const encrypted = { type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'p' } as const
const text = (value: string): Buffer => Buffer.from(value, 'latin1')

let world: World
const given = new Map<string, GetParametersForImportResult>()

/** One key of each spec, which refuses everything and so keeps waiting. */
beforeAll(async () => {
  world = await makeWorld()
  const specs = ['AES_256', 'HMAC_256', 'ECC_NIST_P256', 'RSA_2048', 'ECC_NIST_EDWARDS25519', 'ML_DSA_44'] as const
  for (const spec of specs) {
    const usage = spec === 'HMAC_256' ? 'GENERATE_VERIFY_MAC' : spec === 'AES_256' ? 'ENCRYPT_DECRYPT' : 'SIGN_VERIFY'
    await world.kms.keys.create({ name: spec, spec, usage, origin: 'EXTERNAL' } as never)
    given.set(spec, await parameters(world.kms, spec))
  }
})

const weak: readonly (readonly [what: string, spec: string, material: Uint8Array])[] = [
  ['one byte less than an AES key', 'AES_256', randomBytes(31)],
  ['one byte more than an AES key', 'AES_256', randomBytes(33)],
  ['an AES key of 128 bits', 'AES_256', randomBytes(16)],
  ['one byte', 'AES_256', randomBytes(1)],
  ['zeros', 'AES_256', Buffer.alloc(32)],
  ['one byte over and over', 'AES_256', Buffer.alloc(32, 0xa5)],
  ['one byte over and over as an HMAC key', 'HMAC_256', Buffer.alloc(64, 1)],
  ['an HMAC key of 13 bytes', 'HMAC_256', randomBytes(13)],
  ['an HMAC key of 1,025 bytes', 'HMAC_256', randomBytes(1025)],
  ['a private key where bytes belong', 'AES_256', ecDer],
  ['bytes where a private key belongs', 'ECC_NIST_P256', randomBytes(32)],
  ['one byte after the DER', 'ECC_NIST_P256', Buffer.concat([ecDer, Buffer.of(0)])],
  ['two keys in DER', 'ECC_NIST_P256', Buffer.concat([ecDer, ecDer])],
  ['DER cut off', 'ECC_NIST_P256', ecDer.subarray(0, -1)],
  ['PEM', 'ECC_NIST_P256', text(pem)],
  ['PEM with two objects', 'ECC_NIST_P256', text(pem + pem)],
  ['encrypted PEM', 'ECC_NIST_P256', text(ec.privateKey.export({ ...encrypted, format: 'pem' }) as string)],
  ['encrypted DER', 'ECC_NIST_P256', ec.privateKey.export({ ...encrypted, format: 'der' }) as Buffer],
  ['the format of SEC 1', 'ECC_NIST_P256', ec.privateKey.export({ type: 'sec1', format: 'der' })],
  ['a public key', 'ECC_NIST_P256', ec.publicKey.export({ type: 'spki', format: 'der' })],
  [
    'a key of another curve',
    'ECC_NIST_P256',
    generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey.export(pkcs8),
  ],
  ['a key of another kind', 'ECC_NIST_P256', generateKeyPairSync('ed25519').privateKey.export(pkcs8)],
  ['a raw seed', 'ECC_NIST_EDWARDS25519', randomBytes(32)],
  ['a small RSA key', 'RSA_2048', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pkcs8)],
  [
    'an RSA key with the exponent 3',
    'RSA_2048',
    generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey.export(pkcs8),
  ],
  ['a large RSA key', 'RSA_2048', generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey.export(pkcs8)],
]

async function imports(kms: Kms, spec: string, bytes: Uint8Array): Promise<unknown> {
  return kms.keys.importKeyMaterial(importOf(spec, bytes, given.get(spec)!))
}

describe('material that is no key of the spec', () => {
  test.each(weak)('C52 is refused: %s', async (_, spec, bytes) => {
    const record = await recordOf(world, async () => imports(world.kms, spec, bytes))
    expect(record).toMatchObject({ action: 'importKeyMaterial', status: 'FAILURE', code: 'INVALID_REQUEST' })
    expect(record.change).toBeUndefined()
    expect((await world.kms.keys.get({ key: spec })).state).toBe('PendingImport')
  })

  test('C52 says nothing of itself: neither error nor record quotes it', async () => {
    const canary = 'CANARY-7d1f'
    const bytes = Buffer.concat([ecDer, Buffer.from(canary)])
    const error = await expectCode(imports(world.kms, 'ECC_NIST_P256', bytes), 'INVALID_REQUEST')
    expect(JSON.stringify(error) + error.stack + JSON.stringify(await world.db.records())).not.toContain(canary)
  })

  test('C52 of a megabyte is refused for its length, before anything is unwrapped', async () => {
    const before = await world.db.size()
    await expectCode(imports(world.kms, 'ECC_NIST_P256', text(pem.padEnd(1 << 20, '\n'))), 'LIMIT_EXCEEDED')
    expect(await world.db.size()).toBe(before)
  })
})

/** What is done to a wrapped AES-256 key, `RSA-OAEP(wrapping key) ‖ AES-KWP(material)`. */
const kek = randomBytes(32)
const good = Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex')
const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 1
  return copy
}
const wrappedWrong: Readonly<Record<string, (publicKey: Buffer) => Buffer>> = {
  'nothing at all': () => Buffer.alloc(0),
  'one byte': () => Buffer.of(1),
  'no AES-KWP at all': (key) => oaep(key, kek),
  '8 bytes of it': (key) => Buffer.concat([oaep(key, kek), kwp(kek, good).subarray(0, 8)]),
  'all but 8 bytes of it': (key) => Buffer.concat([oaep(key, kek), kwp(kek, good).subarray(0, -8)]),
  'a length that is no multiple of 8': (key) => Buffer.concat([oaep(key, kek), kwp(kek, good), Buffer.of(0)]),
  'a block too many': (key) => Buffer.concat([oaep(key, kek), kwp(kek, good), Buffer.alloc(8)]),
  'another initial value: AES-KW': (key) =>
    Buffer.concat([oaep(key, kek), keyWrapWith(kek, Buffer.alloc(8, 0xa6), good)]),
  'AES-KW of 8 bytes': (key) =>
    Buffer.concat([oaep(key, kek), keyWrapWith(kek, Buffer.alloc(8, 0xa6), good.subarray(8, 16))]),
  'a wrapping key of 128 bits': (key) =>
    Buffer.concat([oaep(key, kek.subarray(0, 16)), kwp(kek.subarray(0, 16), good)]),
  'a wrapping key of 192 bits': (key) =>
    Buffer.concat([oaep(key, kek.subarray(0, 24)), kwp(kek.subarray(0, 24), good)]),
  'another wrapping key': (key) => Buffer.concat([oaep(key, randomBytes(32)), kwp(kek, good)]),
  'another RSA key': () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'der' })
    return Buffer.concat([oaep(other, kek), kwp(kek, good)])
  },
  'RSA-OAEP over the material, as the other algorithm does it': (key) => oaep(key, good),
  'zeros for RSA': () => Buffer.concat([Buffer.alloc(256), kwp(kek, good)]),
  'more than the modulus for RSA': () => Buffer.concat([Buffer.alloc(256, 0xff), kwp(kek, good)]),
  'its halves swapped': (key) => Buffer.concat([kwp(kek, good), oaep(key, kek)]),
  'a bit of the first half': (key) => flipped(Buffer.concat([oaep(key, kek), kwp(kek, good)]), 100),
}

describe('what does not unwrap', () => {
  test.each(Object.entries(wrappedWrong))('B39 is refused, and why is not told: %s', async (_, make) => {
    const { publicKey } = given.get('AES_256')!
    await expectRefusal(make(publicKey), 'INVALID_CIPHERTEXT')
  })

  test('B39 is every change of one bit of the wrapped key', async () => {
    const head = oaep(given.get('AES_256')!.publicKey, kek)
    const tail = kwp(kek, good)
    for (let at = 0; at < tail.length; at++) {
      await expectRefusal(Buffer.concat([head, flipped(tail, at)]), 'INVALID_CIPHERTEXT')
    }
  })

  test('B39 is a length or padding that RFC 5649 does not allow', async () => {
    const head = oaep(given.get('AES_256')!.publicKey, kek)
    const block = (length: number): Buffer => Buffer.from(`A65959A6${length.toString(16).padStart(8, '0')}`, 'hex')
    const padded = Buffer.concat([good.subarray(0, 30), Buffer.alloc(2)])
    const wrong: readonly (readonly [Buffer, Buffer])[] = [
      [block(33), good],
      [block(24), good],
      [block(0), good],
      [block(0xffff_ffff), good],
      [block(32 - 1), good],
      [Buffer.concat([Buffer.from('A65959A5', 'hex'), block(32).subarray(4)]), good],
      [block(30), Buffer.concat([padded.subarray(0, 31), Buffer.of(1)])],
    ]
    for (const [initial, bytes] of wrong) {
      await expectRefusal(Buffer.concat([head, keyWrapWith(kek, initial, bytes)]), 'INVALID_CIPHERTEXT')
    }
    // And the same by hand, as it should be, is a key after all: of a length that AES does not have.
    await expectRefusal(Buffer.concat([head, keyWrapWith(kek, block(30), padded)]), 'INVALID_REQUEST')
  })
})

async function expectRefusal(encryptedKeyMaterial: Buffer, code: KmsErrorCode): Promise<void> {
  const { importToken } = given.get('AES_256')!
  const asked = { key: 'AES_256', encryptedKeyMaterial, importToken, wrappingAlgorithm: kwpAlgorithm } as const
  const error = await expectCode(world.kms.keys.importKeyMaterial(asked), code)
  if (code === 'INVALID_CIPHERTEXT') expect(error.message).toBe('the ciphertext does not open')
}
