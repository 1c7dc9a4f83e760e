import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { expectCode, makeWorld } from '../support/kms.ts'

const { kms } = await makeWorld()
const message = Buffer.from('message')

const macs = [
  ['HMAC_224', 'sha224', 28],
  ['HMAC_256', 'sha256', 32],
  ['HMAC_384', 'sha384', 48],
  ['HMAC_512', 'sha512', 64],
] as const

describe.each(macs)('%s', async (spec, hash, length) => {
  const bytes = randomBytes(length)
  const key = await kms.keys.create({ spec, origin: 'EXTERNAL', material: { format: 'raw', bytes } })
  const { mac } = await key.generateMac(message)

  test('B38 makes the whole MAC that everybody else makes', async () => {
    expect(mac).toEqual(createHmac(hash, bytes).update(message).digest())
    expect(await key.verifyMac(message, mac)).toMatchObject({ valid: true, algorithm: `HMAC_SHA_${length * 8}` })
    expect((await key.verifyMac(message, mac.toString('base64url'))).valid).toBe(true)
  })

  test('B38 no truncated MAC is valid, of whatever length', async () => {
    for (let kept = 0; kept < length; kept++) {
      expect([kept, (await key.verifyMac(message, mac.subarray(0, kept))).valid]).toEqual([kept, false])
      expect([kept, (await key.verifyMac(message, mac.subarray(length - kept))).valid]).toEqual([kept, false])
    }
  })

  test('B38 no longer MAC is valid, nor one with any bit flipped', async () => {
    for (const more of [1, 4, length, 1000]) {
      expect((await key.verifyMac(message, Buffer.concat([mac, Buffer.alloc(more)]))).valid).toBe(false)
      expect((await key.verifyMac(message, Buffer.concat([Buffer.alloc(more), mac]))).valid).toBe(false)
    }
    for (let bit = 0; bit < 8 * length; bit++) {
      const flipped = Buffer.from(mac)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect([bit, (await key.verifyMac(message, flipped)).valid]).toEqual([bit, false])
    }
  })

  test('B38 what is no bytes is refused, and text that is not canonical base64url is not valid', async () => {
    for (const odd of [undefined, null, true, 1, {}, [...mac], new DataView(mac.buffer)] as never[]) {
      await expectCode(key.verifyMac(message, odd), 'INVALID_REQUEST')
    }
    for (const odd of [`${mac.toString('base64url')}=`, mac.toString('hex'), mac.toString('latin1'), '']) {
      expect((await key.verifyMac(message, odd)).valid).toBe(false)
    }
  })

  test('B38 whoever verifies is not told what it should have been', async () => {
    const answer = await key.verifyMac(message, Buffer.alloc(length))
    expect(Object.keys(answer).toSorted()).toEqual(['algorithm', 'keyId', 'keyVersion', 'valid'])
    expect(JSON.stringify(answer)).not.toContain(mac.toString('hex'))
  })

  test.each([0, 1, 13, 1025])('B40 a key of %i bytes is refused', async (size) => {
    const material = { format: 'raw', bytes: randomBytes(size) } as const
    await expectCode(kms.keys.create({ spec, origin: 'EXTERNAL', material }), 'INVALID_REQUEST')
    const jwk = { kty: 'oct', k: randomBytes(size).toString('base64url') }
    const bringing = kms.keys.create({ spec, origin: 'EXTERNAL', material: { format: 'jwk', jwk } })
    await expectCode(bringing, 'INVALID_REQUEST')
  })

  test.each([14, length, 1024])('B40 a key of %i bytes is taken', async (size) => {
    const material = randomBytes(size)
    const taken = await kms.keys.create({ spec, origin: 'EXTERNAL', material: { format: 'raw', bytes: material } })
    expect((await taken.generateMac(message)).mac).toEqual(createHmac(hash, material).update(message).digest())
  })

  test.each([0, 0x36, 0x5c, 0xff])('B40 a key of nothing but %i is refused', async (byte) => {
    const material = { format: 'raw', bytes: Buffer.alloc(length, byte) } as const
    await expectCode(kms.keys.create({ spec, origin: 'EXTERNAL', material }), 'INVALID_REQUEST')
  })

  test('B37 the algorithm of another spec is refused', async () => {
    for (const [other, , size] of macs) {
      const algorithm = `HMAC_SHA_${size * 8}` as 'HMAC_SHA_256'
      const asked = [key.generateMac(message, { algorithm }), key.verifyMac(message, mac, { algorithm })]
      if (other === spec) expect((await Promise.all(asked))[1]).toMatchObject({ valid: true })
      else await Promise.all(asked.map(async (one) => expectCode(one, 'INVALID_REQUEST')))
    }
  })
})

describe('a public key as the secret of a MAC', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string

  test('B37 is not taken: a key pair brings no secret bytes, in whatever format', async () => {
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    const jwk = publicKey.export({ format: 'jwk' })
    for (const material of [
      { format: 'spki', bytes: pem },
      { format: 'spki', bytes: spki },
      { format: 'pkcs8', bytes: pem },
      { format: 'raw', bytes: pem as never },
      { format: 'jwk', jwk },
    ] as const) {
      await expectCode(kms.keys.create({ spec: 'HMAC_256', origin: 'EXTERNAL', material }), 'INVALID_REQUEST')
    }
  })

  test('B37 does not verify in its place: what verifies is chosen by the key, never by the request', async () => {
    const pair = await kms.keys.create({ name: 'pair', spec: 'RSA_2048', usage: 'SIGN_VERIFY' })
    const own = (await pair.getPublicKey()).pem
    const forged = createHmac('sha256', own).update(message).digest()
    expect((await pair.verify(message, forged)).valid).toBe(false)
    await expectCode(kms.verifyMac({ key: 'pair', message, mac: forged }), 'INVALID_KEY_USAGE')
    for (const algorithm of ['HMAC_SHA_256', 'HS256', 'none'] as never[]) {
      await expectCode(pair.verify(message, forged, { algorithm }), 'INVALID_REQUEST')
    }
  })

  test('B37 a MAC is no signature: a MAC key verifies none', async () => {
    await kms.keys.create({ name: 'mac', spec: 'HMAC_256' })
    const { mac } = await kms.generateMac({ key: 'mac', message })
    await expectCode(kms.verify({ key: 'mac', message, signature: mac }), 'INVALID_KEY_USAGE')
    await expectCode(kms.getPublicKey({ key: 'mac' }), 'INVALID_KEY_USAGE')
  })
})

test('B38 bytes are compared in constant time, their lengths before', () => {
  const source = (name: string): string => readFileSync(new URL(`../../src/${name}`, import.meta.url), 'utf8')
  expect(source('crypto/hash.ts')).toMatch(/a\.byteLength === b\.byteLength && timingSafeEqual\(a, b\)/)
  const macsSource = source('operations/shared/macs.ts')
  expect(macsSource).toContain('equalBytes(expected, mac)')
  expect(macsSource).not.toMatch(/\.equals\(|compare\(/)
})
