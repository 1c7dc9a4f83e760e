import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KeyMaterial } from '../../src/index.ts'
import { expectCode, makeWorld } from '../support/kms.ts'
import { der } from './rsa-keys.ts'

const { kms } = await makeWorld()

const pairs: Readonly<Record<string, { privateKey: KeyObject; publicKey: KeyObject; spec: string }>> = {
  RSA: { ...generateKeyPairSync('rsa', { modulusLength: 2048 }), spec: 'RSA_2048' },
  EC: { ...generateKeyPairSync('ec', { namedCurve: 'prime256v1' }), spec: 'ECC_NIST_P256' },
  Ed25519: { ...generateKeyPairSync('ed25519'), spec: 'ECC_NIST_EDWARDS25519' },
}

async function bring(spec: string, material: KeyMaterial) {
  const request = { spec, usage: 'SIGN_VERIFY', origin: 'EXTERNAL', material } as const
  return kms.keys.create(request as typeof request & { spec: 'RSA_2048' })
}

/** Every length in DER that is short, in its long form: the same value, written with a byte to spare. */
const lengthened = (bytes: Buffer): Buffer =>
  bytes[1]! < 128
    ? Buffer.concat([bytes.subarray(0, 1), Buffer.from([0x81]), bytes.subarray(1)])
    : Buffer.concat([bytes.subarray(0, 1), Buffer.from([bytes[1]! + 1, 0]), bytes.subarray(2)])

describe.each(Object.entries(pairs))('a key of %s', (_, { privateKey, publicKey, spec }) => {
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const privatePem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
  const publicPem = publicKey.export({ format: 'pem', type: 'spki' }) as string

  test('C52 is taken in DER and PEM, with either kind of line end', async () => {
    for (const bytes of [pkcs8, privatePem, privatePem.replaceAll('\n', '\r\n'), privatePem.trimEnd()]) {
      expect((await (await bring(spec, { format: 'pkcs8', bytes })).getPublicKey()).publicKey).toEqual(spki)
    }
    for (const bytes of [spki, publicPem, publicPem.replaceAll('\n', '\r\n')]) {
      expect((await (await bring(spec, { format: 'spki', bytes })).getPublicKey()).pem).toBe(publicPem)
    }
  })

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ['with a byte after it', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
    ['with another key after it', (bytes) => Buffer.concat([bytes, bytes])],
    ['without its last byte', (bytes) => bytes.subarray(0, -1)],
    ['of nothing', () => Buffer.alloc(0)],
    ['of an empty sequence', () => Buffer.from('3000', 'hex')],
    ['of a length without an end', (bytes) => Buffer.concat([Buffer.from('3080', 'hex'), bytes, Buffer.alloc(2)])],
    ['of a length longer than need be', lengthened],
    ['in another sequence', (bytes) => der(0x30, bytes)],
    ['of random bytes', (bytes) => Buffer.alloc(bytes.length, 0x5a)],
    ['of 16 KiB and a byte', (bytes) => Buffer.concat([bytes, Buffer.alloc(16_385 - bytes.length)])],
    ['of a mebibyte', (bytes) => Buffer.concat([bytes, Buffer.alloc(1 << 20)])],
  ])('C52 in DER %s is refused', async (_name, change) => {
    await expectCode(bring(spec, { format: 'pkcs8', bytes: change(pkcs8) }), 'INVALID_REQUEST')
    await expectCode(bring(spec, { format: 'spki', bytes: change(spki) }), 'INVALID_REQUEST')
  })

  test.each<[string, (pem: string) => string]>([
    ['two objects', (pem) => pem + pem],
    ['two objects of two kinds', (pem) => (pem === privatePem ? pem + publicPem : pem + privatePem)],
    ['text before it', (pem) => `a key\n${pem}`],
    ['text after it', (pem) => `${pem}a key`],
    ['an empty line after it', (pem) => `${pem}\n`],
    ['a header in it', (pem) => pem.replace('KEY-----\n', 'KEY-----\nProc-Type: 4,ENCRYPTED\n\n')],
    ['padding in the middle', (pem) => pem.replace(/\n(.)/, '\n$1====')],
    ['white space in it', (pem) => pem.replace(/\n(....)/, '\n$1 ')],
    ['another label', (pem) => pem.replaceAll(/(PRIVATE|PUBLIC) KEY/g, 'RSA $1 KEY')],
    ['two labels', (pem) => pem.replace(/END \w+ KEY/, 'END CERTIFICATE')],
    ['no end', (pem) => pem.replace(/-----END.*/s, '')],
    ['an alphabet of its own', (pem) => pem.replace(/\n(....)/, '\n-_-_')],
    ['a NUL in it', (pem) => pem.replace(/\n(....)/, '\n$1\0')],
    ['a mebibyte', (pem) => pem.replace(/\n(....)/, `\n$1${'\n'.repeat(1 << 20)}`)],
  ])('C52 in PEM with %s is refused', async (_name, change) => {
    expect(change(privatePem)).not.toBe(privatePem)
    await expectCode(bring(spec, { format: 'pkcs8', bytes: change(privatePem) }), 'INVALID_REQUEST')
    await expectCode(bring(spec, { format: 'spki', bytes: change(publicPem) }), 'INVALID_REQUEST')
  })

  test('C52 that is encrypted is refused, in DER and PEM', async () => {
    const secret = { type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: '' } as const
    const bytes = privateKey.export({ ...secret, format: 'der', passphrase: 'secret' })
    await expectCode(bring(spec, { format: 'pkcs8', bytes }), 'INVALID_REQUEST')
    const pem = privateKey.export({ ...secret, format: 'pem', passphrase: 'secret' }) as string
    await expectCode(bring(spec, { format: 'pkcs8', bytes: pem }), 'INVALID_REQUEST')
    const relabelled = pem.replaceAll('ENCRYPTED PRIVATE', 'PRIVATE')
    await expectCode(bring(spec, { format: 'pkcs8', bytes: relabelled }), 'INVALID_REQUEST')
  })

  test('C52 given as what it is not is refused: public as private, private as public, a pair as secret bytes', async () => {
    await expectCode(bring(spec, { format: 'pkcs8', bytes: spki }), 'INVALID_REQUEST')
    await expectCode(bring(spec, { format: 'pkcs8', bytes: publicPem }), 'INVALID_REQUEST')
    await expectCode(bring(spec, { format: 'spki', bytes: pkcs8 }), 'INVALID_REQUEST')
    await expectCode(bring(spec, { format: 'spki', bytes: privatePem }), 'INVALID_REQUEST')
    await expectCode(bring(spec, { format: 'raw', bytes: pkcs8 }), 'INVALID_REQUEST')
    const renamed = publicPem.replaceAll('PUBLIC', 'PRIVATE')
    await expectCode(bring(spec, { format: 'pkcs8', bytes: renamed }), 'INVALID_REQUEST')
    const publicJwk = publicKey.export({ format: 'jwk' })
    await expectCode(bring(spec, { format: 'jwk', jwk: { ...publicJwk, d: '' } }), 'INVALID_REQUEST')
  })

  test('C52 in its older form, of its algorithm alone, is refused', async () => {
    if (spec === 'ECC_NIST_EDWARDS25519') return
    const type = spec === 'RSA_2048' ? 'pkcs1' : 'sec1'
    const bytes = privateKey.export({ format: 'der', type })
    await expectCode(bring(spec, { format: 'pkcs8', bytes }), 'INVALID_REQUEST')
    const pem = privateKey.export({ format: 'pem', type }) as string
    await expectCode(bring(spec, { format: 'pkcs8', bytes: pem }), 'INVALID_REQUEST')
  })

  test.each<[string, (value: string) => unknown]>([
    ['padded', (value) => `${value}==`],
    ['with stray bits', (value) => value.slice(0, -1) + stray(value.at(-1)!)],
    ['with a space', (value) => ` ${value}`],
    ['in the other alphabet', (value) => value.replace(/[A-Za-z0-9]/, '+')],
    ['as bytes', (value) => Buffer.from(value, 'base64url')],
    ['as a number', () => 1],
    ['absent', () => undefined],
  ])('C52 whose JWK has a member %s is refused', async (name, change) => {
    const jwk = privateKey.export({ format: 'jwk' }) as Record<string, string>
    const members = Object.keys(jwk).filter((member) => !['kty', 'crv'].includes(member))
    for (const member of members) {
      const changed = { ...jwk, [member]: change(jwk[member]!) as string }
      // Without `d` it is a public key; with no bits to spare nothing strays.
      if (changed[member] === jwk[member] || (name === 'absent' && member === 'd')) continue
      const outcome = await bring(spec, { format: 'jwk', jwk: changed }).catch((error: Error) => error)
      expect([member, (outcome as { code?: string }).code]).toEqual([member, 'INVALID_REQUEST'])
    }
  })
})

/** The next character of the alphabet, which differs in the last bit alone. */
function stray(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(character) ^ 1]!
}

test.each<[string, unknown]>([
  ['null', null],
  ['an array', []],
  ['bytes', Buffer.alloc(32, 7)],
  ['no format', { bytes: Buffer.alloc(32, 7) }],
  ['a format of its own', { format: 'der', bytes: Buffer.alloc(32, 7) }],
  ['no bytes', { format: 'raw' }],
  ['text for bytes', { format: 'raw', bytes: 'x'.repeat(32) }],
  ['an array for bytes', { format: 'raw', bytes: [...Array(32).keys()] }],
  ['bytes and a JWK', { format: 'raw', bytes: Buffer.alloc(32, 7), jwk: {} }],
  ['a JWK of nothing', { format: 'jwk', jwk: {} }],
  ['a JWK in JSON', { format: 'jwk', jwk: '{"kty":"oct","k":"AAAA"}' }],
  ['a JWK of a kind that is none', { format: 'jwk', jwk: { kty: 'none' } }],
  ['a set of JWKs', { format: 'jwk', jwk: { keys: [] } }],
  ['a JWK of a mebibyte', { format: 'jwk', jwk: { kty: 'oct', k: 'A'.repeat(1 << 20) } }],
  ['a KeyObject', { format: 'pkcs8', bytes: pairs['EC']!.privateKey }],
])('C52 material of %s is refused by every spec', async (_, material) => {
  for (const spec of ['AES_256', 'HMAC_256', 'RSA_2048', 'ECC_NIST_P256', 'X25519', 'ML_KEM_768'] as const) {
    const usage = spec === 'RSA_2048' || spec === 'ECC_NIST_P256' ? 'SIGN_VERIFY' : undefined
    const request = { spec, usage, origin: 'EXTERNAL', material } as never
    await expectCode(kms.keys.create(request), 'INVALID_REQUEST')
  }
})

test.each([0, 1, 16, 24, 31, 33, 64])('C52 an AES key of %i bytes is refused', async (length) => {
  const material = { format: 'raw', bytes: Buffer.from(Array.from({ length }, (_, index) => index)) } as const
  await expectCode(kms.keys.create({ spec: 'AES_256', origin: 'EXTERNAL', material }), 'INVALID_REQUEST')
})

test.each([0, 1, 0xff])('C52 an AES key of nothing but %i is refused', async (byte) => {
  const material = { format: 'raw', bytes: Buffer.alloc(32, byte) } as const
  await expectCode(kms.keys.create({ spec: 'AES_256', origin: 'EXTERNAL', material }), 'INVALID_REQUEST')
})
