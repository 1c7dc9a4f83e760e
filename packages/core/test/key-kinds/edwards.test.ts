import { createHash, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { expectCode, makeWorld } from '../support/kms.ts'

const { kms } = await makeWorld()

const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex')
const x25519Prefix = Buffer.from('302a300506032b656e032100', 'hex')
const spkiOf = (prefix: Buffer, point: Uint8Array): Buffer => Buffer.concat([prefix, point])

async function verifier(point: Uint8Array) {
  const material = { format: 'spki', bytes: spkiOf(ed25519Prefix, point) } as const
  return kms.keys.create({ spec: 'ECC_NIST_EDWARDS25519', origin: 'EXTERNAL', material })
}

/** A point in hexadecimal, its middle filled up to 32 bytes. */
const padded = (start: string, middle: string, end: string): string =>
  start + middle.repeat((64 - start.length - end.length) / 2) + end

const smallOrder = {
  'order 1': padded('01', '00', '00'),
  'order 2': padded('ec', 'ff', '7f'),
  'order 4': padded('00', '00', '00'),
  'order 4, negative': padded('00', '00', '80'),
  'order 8': '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'order 8, negative': '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'order 8, another': 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'order 8, another, negative': 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  'order 1, with a sign that zero has not': padded('01', '00', '80'),
  'order 2, with a sign that zero has not': padded('ec', 'ff', 'ff'),
  'order 1, not reduced': padded('ee', 'ff', '7f'),
  'order 1, not reduced, with a sign': padded('ee', 'ff', 'ff'),
  'order 4, not reduced': padded('ed', 'ff', '7f'),
  'order 4, not reduced, with a sign': padded('ed', 'ff', 'ff'),
}

describe('an Ed25519 key', () => {
  test.each(Object.entries(smallOrder))('B29 of %s is refused', async (_, hex) => {
    const point = Buffer.from(hex, 'hex')
    await expectCode(verifier(point), 'INVALID_REQUEST')
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }
    const material = { format: 'jwk', jwk } as const
    const bringing = kms.keys.create({ spec: 'ECC_NIST_EDWARDS25519', origin: 'EXTERNAL', material })
    await expectCode(bringing, 'INVALID_REQUEST')
  })

  test('B29 whose y is not reduced is refused, of whatever order', async () => {
    const refused: string[] = []
    for (let low = 0xed; low <= 0xff; low++) {
      const point = Buffer.from(padded(low.toString(16), 'ff', '7f'), 'hex')
      await expectCode(verifier(point), 'INVALID_REQUEST')
      refused.push(point.toString('hex'))
    }
    expect(refused).toHaveLength(19)
  })

  test('B29 that is no point of the curve is refused', async () => {
    const off = Buffer.alloc(32)
    off[0] = 2
    expect(() => ed25519.Point.fromBytes(off)).toThrow('bad point')
    await expectCode(verifier(off), 'INVALID_REQUEST')
  })
})

const order = ed25519.Point.Fn.ORDER

/** A number as 32 bytes, the lowest first. */
const bytesOf = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()

interface Signer {
  readonly scalar: bigint
  readonly publicKey: Uint8Array
  /** What is signed. */
  readonly message: Uint8Array
  readonly domain?: Uint8Array
}

/** A signature with this R, right up to what R's own small part does. */
function signatureWith(on: Signer, r: bigint, torsion?: string): Buffer {
  const base = r === 0n ? ed25519.Point.ZERO : ed25519.Point.BASE.multiply(r)
  const point = torsion === undefined ? base : base.add(ed25519.Point.fromHex(torsion))
  const encoded = Buffer.from(point.toBytes())
  const hashed = Buffer.concat([on.domain ?? Buffer.alloc(0), encoded, on.publicKey, on.message])
  const k = BigInt(`0x${createHash('sha512').update(hashed).digest().reverse().toString('hex')}`) % order
  return Buffer.concat([encoded, bytesOf((r + k * on.scalar) % order)])
}

describe('an Ed25519 signature', async () => {
  const seed = Buffer.alloc(32, 9)
  seed[0] = 1
  const material = { format: 'raw', bytes: seed } as const
  const key = await kms.keys.create({ spec: 'ECC_NIST_EDWARDS25519', origin: 'EXTERNAL', material })
  const { scalar, pointBytes: publicKey } = ed25519.utils.getExtendedPublicKey(seed)
  const message = Buffer.from('message')
  const pure = { scalar, publicKey, message }
  const dom2 = Buffer.from('SigEd25519 no Ed25519 collisions\x01\x00', 'latin1')
  const digest = createHash('sha512').update(message).digest()

  const valid = async (signature: Uint8Array): Promise<boolean> => (await key.verify(message, signature)).valid
  const validHashed = async (signature: Uint8Array): Promise<boolean> =>
    (await key.verify(message, signature, { algorithm: 'ED25519_PH_SHA_512' })).valid

  test('B29 is deterministic', async () => {
    for (const algorithm of ['ED25519_SHA_512', 'ED25519_PH_SHA_512'] as const) {
      const [{ signature: once }, { signature: again }] = [
        await key.sign(message, { algorithm }),
        await key.sign(message, { algorithm }),
      ]
      expect(once).toEqual(again)
    }
  })

  test.each(['ED25519_SHA_512', 'ED25519_PH_SHA_512'] as const)(
    'B29 by %s whose S is not reduced, or whose R is not canonical, is not valid',
    async (algorithm) => {
      const { signature } = await key.sign(message, { algorithm })
      const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`)
      for (const larger of [s + order, s + 2n * order, (1n << 256n) - 1n]) {
        const odd = Buffer.concat([signature.subarray(0, 32), bytesOf(larger)])
        expect((await key.verify(message, odd, { algorithm })).valid).toBe(false)
      }
      for (const hex of Object.values(smallOrder)) {
        const odd = Buffer.concat([Buffer.from(hex, 'hex'), signature.subarray(32)])
        expect((await key.verify(message, odd, { algorithm })).valid).toBe(false)
      }
    },
  )

  // Nobody but the signer can make these. RFC 8032 section 5.1.7 allows both equations; node:crypto and @noble/curves
  // chose one each, and this says which, so that a change of either is noticed.
  test('B29 that its own signer makes with an R of small or mixed order is valid prehashed, never pure', async () => {
    expect([await valid(signatureWith(pure, 5n)), await validHashed(hashedSignatureWith(5n))]).toEqual([true, true])
    for (const [r, torsion] of [[0n], [0n, smallOrder['order 8']], [5n, smallOrder['order 8']]] as const) {
      for (let round = 0; round < 3; round++) {
        expect(await valid(signatureWith(pure, r, torsion))).toBe(false)
        expect(await validHashed(hashedSignatureWith(r, torsion))).toBe(true)
      }
    }
  })

  function hashedSignatureWith(r: bigint, torsion?: string): Buffer {
    return signatureWith({ scalar, publicKey, message: digest, domain: dom2 }, r, torsion)
  }

  test.each([0, 1, 32, 63, 65, 128])('B35 of %i bytes is not valid', async (length) => {
    expect(await valid(Buffer.alloc(length, 1))).toBe(false)
    expect(await validHashed(Buffer.alloc(length, 1))).toBe(false)
  })
})

const lowOrder = [
  padded('00', '00', '00'),
  padded('01', '00', '00'),
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  padded('ec', 'ff', '7f'),
  padded('ed', 'ff', '7f'),
  padded('ee', 'ff', '7f'),
]

describe('an X25519 peer', async () => {
  const key = await kms.keys.create({ spec: 'X25519' })

  test.each(lowOrder)('B29 of low order is refused: %s', async (hex) => {
    const point = Buffer.from(hex, 'hex')
    const signed = Buffer.from(point)
    signed[31]! |= 0x80
    for (const peer of [point, signed]) {
      await expectCode(key.deriveSharedSecret(spkiOf(x25519Prefix, peer)), 'INVALID_REQUEST')
      const jwk = { kty: 'OKP', crv: 'X25519', x: peer.toString('base64url') }
      await expectCode(key.deriveSharedSecret(jwk), 'INVALID_REQUEST')
    }
  })

  test('B29 that is a good one agrees, whichever way its key is written', async () => {
    const peer = generateKeyPairSync('x25519')
    const { publicKey } = await key.getPublicKey()
    const ours = createPublicKey({ key: publicKey, format: 'der', type: 'spki' })
    const expected = diffieHellman({ privateKey: peer.privateKey, publicKey: ours })
    const forms = [
      peer.publicKey.export({ format: 'der', type: 'spki' }),
      peer.publicKey.export({ format: 'pem', type: 'spki' }) as string,
      peer.publicKey.export({ format: 'jwk' }),
    ]
    for (const form of forms) expect((await key.deriveSharedSecret(form)).sharedSecret).toEqual(expected)
  })

  test('B29 of another kind is refused', async () => {
    for (const peer of [
      generateKeyPairSync('x448').publicKey,
      generateKeyPairSync('ed25519').publicKey,
      generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey,
    ]) {
      await expectCode(key.deriveSharedSecret(peer.export({ format: 'der', type: 'spki' })), 'INVALID_REQUEST')
    }
  })
})
