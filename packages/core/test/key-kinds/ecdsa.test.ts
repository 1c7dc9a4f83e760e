import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { expectCode, makeWorld } from '../support/kms.ts'
import { der, derInteger } from './rsa-keys.ts'

const { kms } = await makeWorld()
const message = Buffer.from('message')

const curves = [
  ['ECC_NIST_P256', 'sha256', 32, 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'],
  [
    'ECC_NIST_P384',
    'sha384',
    48,
    'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  ],
  [
    'ECC_NIST_P521',
    'sha512',
    66,
    `01ff${'f'.repeat(62)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`,
  ],
  ['ECC_SECG_P256K1', 'sha256', 32, 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'],
] as const

describe.each(curves.map((curve) => [curve[0], curve] as const))(
  'ECDSA with %s',
  async (spec, [, hash, bytes, hex]) => {
    const key = await kms.keys.create({ spec, usage: 'SIGN_VERIFY' } as { spec: 'ECC_NIST_P256'; usage: 'SIGN_VERIFY' })
    const order = BigInt(`0x${hex}`)
    const digest = createHash(hash).update(message).digest()

    const flat = (r: bigint, s: bigint): Buffer =>
      Buffer.from(r.toString(16).padStart(2 * bytes, '0') + s.toString(16).padStart(2 * bytes, '0'), 'hex')
    const asn1 = (r: bigint, s: bigint): Buffer => der(0x30, derInteger(r), derInteger(s))
    const numbers = (signature: Buffer): [bigint, bigint] => [
      BigInt(`0x${signature.subarray(0, bytes).toString('hex')}`),
      BigInt(`0x${signature.subarray(bytes).toString('hex')}`),
    ]

    /** Whether it is valid, asked with the message and with its digest, which must agree. */
    async function isValid(signature: Uint8Array, format?: 'DER' | 'P1363'): Promise<boolean> {
      const raw = await key.verify(message, signature, { format })
      const hashed = await key.verify(digest, signature, { format, messageType: 'DIGEST' })
      expect(hashed.valid).toBe(raw.valid)
      return raw.valid
    }

    async function both(messageType: 'RAW' | 'DIGEST') {
      const what = messageType === 'RAW' ? message : digest
      const { signature: der1 } = await key.sign(what, { messageType })
      const { signature: plain } = await key.sign(what, { messageType, format: 'P1363' })
      return { der: der1, plain }
    }

    test.each(['RAW', 'DIGEST'] as const)(
      'B35 of a %s message comes in two formats, which are not mixed up',
      async (type) => {
        const made = await both(type)
        expect(made.plain).toHaveLength(2 * bytes)
        expect(made.der[0]).toBe(0x30)
        expect([await isValid(made.der), await isValid(made.plain, 'P1363')]).toEqual([true, true])
        expect([await isValid(made.der, 'P1363'), await isValid(made.plain), await isValid(made.plain, 'DER')]).toEqual(
          [false, false, false],
        )
        const [r, s] = numbers(made.plain)
        expect(await isValid(asn1(r, s))).toBe(true)
      },
    )

    test('B35 has a twin, (r, n − s), of every signature, so that none is an id', async () => {
      for (const type of ['RAW', 'DIGEST'] as const) {
        const [r, s] = numbers((await both(type)).plain)
        expect([await isValid(flat(r, order - s), 'P1363'), await isValid(asn1(r, order - s))]).toEqual([true, true])
      }
    })

    test('B35 takes no numbers beyond the order, and no zeros', async () => {
      const [r, s] = numbers((await both('RAW')).plain)
      const most = (1n << BigInt(8 * bytes)) - 1n
      for (const [one, other] of [
        [0n, s],
        [r, 0n],
        [0n, 0n],
        [order, s],
        [r, order],
        [1n, 1n],
        [r, most],
        [most, most],
      ] as const) {
        expect([await isValid(flat(one, other), 'P1363'), await isValid(asn1(one, other))]).toEqual([false, false])
      }
      expect(await isValid(asn1(r + order, s))).toBe(false)
      expect(await isValid(asn1(r, s + order))).toBe(false)
    })

    test('B35 takes no other encoding of the same numbers', async () => {
      const [r, s] = numbers((await both('RAW')).plain)
      const [one, other] = [derInteger(r), derInteger(s)]
      const right = asn1(r, s)
      const padded = der(2, Buffer.alloc(1), one.subarray(2))
      const negative = der(2, Buffer.from((order - r).toString(16).padStart(2 * bytes, '0'), 'hex').fill(0xff, 0, 1))
      const wrong: Buffer[] = [
        Buffer.alloc(0),
        Buffer.alloc(1),
        Buffer.alloc(2 * bytes),
        Buffer.concat([right, Buffer.alloc(1)]),
        right.subarray(0, -1),
        der(0x31, one, other),
        der(0x30, one),
        der(0x30, one, other, derInteger(1n)),
        der(0x30, padded, other),
        der(0x30, negative, other),
        der(0x30, der(0x30, one, other)),
        Buffer.concat([Buffer.from('3080', 'hex'), one, other, Buffer.alloc(2)]),
        Buffer.concat([Buffer.from([0x30, 0x82, 0, one.length + other.length]), one, other]),
      ]
      for (const signature of wrong) expect(await isValid(signature)).toBe(false)
      const plain = flat(r, s)
      for (const signature of [
        plain.subarray(1),
        Buffer.concat([Buffer.alloc(1), plain]),
        Buffer.concat([plain, plain]),
      ]) {
        expect(await isValid(signature, 'P1363')).toBe(false)
      }
    })

    test('B41 a digest has the length of its hash, and no other', async () => {
      for (const length of [0, 1, 20, 28, 32, 48, 64, 66].filter((size) => size !== digest.length)) {
        await expectCode(key.sign(Buffer.alloc(length, 1), { messageType: 'DIGEST' }), 'INVALID_REQUEST')
        const asked = key.verify(Buffer.alloc(length, 1), Buffer.alloc(64), { messageType: 'DIGEST' })
        await expectCode(asked, 'INVALID_REQUEST')
      }
    })

    test('B41 a digest of nothing but zeros is signed and verified like any other', async () => {
      const zeros = Buffer.alloc(digest.length)
      const { signature } = await key.sign(zeros, { messageType: 'DIGEST' })
      expect((await key.verify(zeros, signature, { messageType: 'DIGEST' })).valid).toBe(true)
      expect((await key.verify(digest, signature, { messageType: 'DIGEST' })).valid).toBe(false)
    })

    test('B41 a signature of the message is none of its digest as a message', async () => {
      const { signature } = await key.sign(message)
      expect((await key.verify(digest, signature)).valid).toBe(false)
      expect((await key.verify(digest, signature, { messageType: 'DIGEST' })).valid).toBe(true)
    })

    test('B35 signing twice the same gives two signatures, also of a digest', async () => {
      for (const type of ['RAW', 'DIGEST'] as const) {
        const [one, other] = [await both(type), await both(type)]
        expect(one.plain).not.toEqual(other.plain)
      }
    })
  },
)

test('B37 an algorithm of another curve is refused', async () => {
  const key = await kms.keys.create({ spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' })
  for (const algorithm of ['ECDSA_SHA_384', 'ECDSA_SHA_512', 'ED25519_SHA_512', 'RSASSA_PSS_SHA_256'] as const) {
    await expectCode(key.sign(message, { algorithm }), 'INVALID_REQUEST')
    await expectCode(key.verify(message, Buffer.alloc(64), { algorithm }), 'INVALID_REQUEST')
  }
})
