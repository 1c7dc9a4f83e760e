import { createECDH, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KeyMaterial, KeySpec } from '../../src/index.ts'
import { expectCode, makeWorld } from '../support/kms.ts'
import { der } from './rsa-keys.ts'

const { kms } = await makeWorld()

type CurveSpec = Extract<KeySpec, `ECC_NIST_P${string}` | 'ECC_SECG_P256K1'>

interface CurveCase {
  readonly curve: string
  readonly spec: CurveSpec
  /** The order of the group, which scalars have to be below. */
  readonly order: string
  readonly oid: string
}

const curves: readonly CurveCase[] = [
  {
    curve: 'prime256v1',
    spec: 'ECC_NIST_P256',
    order: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
    oid: '06082a8648ce3d030107',
  },
  {
    curve: 'secp384r1',
    spec: 'ECC_NIST_P384',
    order: 'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    oid: '06052b81040022',
  },
  {
    curve: 'secp521r1',
    spec: 'ECC_NIST_P521',
    order: `01ff${'f'.repeat(62)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`,
    oid: '06052b81040023',
  },
  {
    curve: 'secp256k1',
    spec: 'ECC_SECG_P256K1',
    order: 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
    oid: '06052b8104000a',
  },
]

async function bring(spec: CurveSpec, material: KeyMaterial) {
  return kms.keys.create({ spec, usage: 'SIGN_VERIFY', origin: 'EXTERNAL', material } as {
    spec: 'ECC_NIST_P256'
    usage: 'SIGN_VERIFY'
    material: KeyMaterial
  })
}

const pkcs8 = (key: KeyObject): KeyMaterial => ({
  format: 'pkcs8',
  bytes: key.export({ format: 'der', type: 'pkcs8' }),
})
const spki = (key: KeyObject): KeyMaterial => ({ format: 'spki', bytes: key.export({ format: 'der', type: 'spki' }) })

const ecPublicKey = '06072a8648ce3d0201'
const algorithmOf = (oid: string): Buffer => der(0x30, Buffer.from(ecPublicKey + oid, 'hex'))

/** A PKCS#8 with this scalar and, perhaps, this public point. */
function privateOf(oid: string, scalar: Uint8Array, point?: Uint8Array): KeyMaterial {
  const half = point === undefined ? [] : [der(0xa1, der(3, Buffer.alloc(1), point))]
  const key = der(0x30, Buffer.from('020101', 'hex'), der(4, scalar), ...half)
  return { format: 'pkcs8', bytes: der(0x30, Buffer.from('020100', 'hex'), algorithmOf(oid), der(4, key)) }
}

const publicOf = (oid: string, point: Uint8Array): { readonly format: 'spki'; readonly bytes: Buffer } => ({
  format: 'spki',
  bytes: der(0x30, algorithmOf(oid), der(3, Buffer.alloc(1), point)),
})

describe.each(curves)('a key of $spec', ({ curve, spec, order, oid }) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve })
  const ecdh = createECDH(curve)
  const point = ecdh.generateKeys()
  const scalar = Buffer.alloc(order.length / 2)
  const own = ecdh.getPrivateKey()
  scalar.set(own, scalar.length - own.length)

  test('B28 on its own curve is taken, private or public, with its public half or without', async () => {
    const pair = await bring(spec, pkcs8(privateKey))
    const alone = await bring(spec, spki(publicKey))
    const { signature } = await pair.sign('message')
    expect(await alone.verify('message', signature)).toMatchObject({ valid: true })
    for (const material of [privateOf(oid, scalar), privateOf(oid, scalar, point)]) {
      const key = await bring(spec, material)
      expect((await key.getPublicKey()).publicKey).toEqual(publicOf(oid, point).bytes)
    }
    const jwk = privateKey.export({ format: 'jwk' })
    expect((await (await bring(spec, { format: 'jwk', jwk })).getPublicKey()).jwk).toMatchObject({ x: jwk.x, y: jwk.y })
  })

  test.each(curves.filter((other) => other.curve !== curve))('B28 on the curve of $spec is refused', async (other) => {
    const pair = generateKeyPairSync('ec', { namedCurve: other.curve })
    await expectCode(bring(spec, pkcs8(pair.privateKey)), 'INVALID_REQUEST')
    await expectCode(bring(spec, spki(pair.publicKey)), 'INVALID_REQUEST')
    const jwk = pair.privateKey.export({ format: 'jwk' })
    await expectCode(bring(spec, { format: 'jwk', jwk }), 'INVALID_REQUEST')
  })

  test('B28 that spells the parameters of its curve out is refused, private or public', async () => {
    const explicit = generateKeyPairSync('ec', { namedCurve: curve, paramEncoding: 'explicit' })
    await expectCode(bring(spec, pkcs8(explicit.privateKey)), 'INVALID_REQUEST')
    await expectCode(bring(spec, spki(explicit.publicKey)), 'INVALID_REQUEST')
  })

  test('B28 whose point is not on the curve is refused', async () => {
    const off = Buffer.from(point)
    off[off.length - 1]! ^= 1
    await expectCode(bring(spec, publicOf(oid, off)), 'INVALID_REQUEST')
    const { x, y, crv, kty } = publicKey.export({ format: 'jwk' })
    expect(x).not.toBe(y)
    await expectCode(bring(spec, { format: 'jwk', jwk: { kty: kty!, crv: crv!, x: y!, y: x! } }), 'INVALID_REQUEST')
  })

  test('B28 whose point is infinity, nothing, compressed or hybrid is refused', async () => {
    const compressed = ecdh.getPublicKey(undefined, 'compressed')
    const hybrid = ecdh.getPublicKey(undefined, 'hybrid')
    const zero = Buffer.concat([Buffer.from([4]), Buffer.alloc(point.length - 1)])
    for (const odd of [Buffer.alloc(1), Buffer.alloc(0), compressed, hybrid, zero, point.subarray(0, -1)]) {
      await expectCode(bring(spec, publicOf(oid, odd)), 'INVALID_REQUEST')
      await expectCode(bring(spec, privateOf(oid, scalar, odd)), 'INVALID_REQUEST')
    }
    await expectCode(bring(spec, publicOf(oid, Buffer.concat([point, Buffer.alloc(1)]))), 'INVALID_REQUEST')
  })

  test('B28 whose coordinate is not reduced is refused', async () => {
    const wide = Buffer.concat([Buffer.from([4]), Buffer.alloc(point.length - 1, 0xff)])
    await expectCode(bring(spec, publicOf(oid, wide)), 'INVALID_REQUEST')
  })

  test('B28 whose public half is of another key is refused', async () => {
    const other = createECDH(curve)
    await expectCode(bring(spec, privateOf(oid, scalar, other.generateKeys())), 'INVALID_REQUEST')
    const jwk = privateKey.export({ format: 'jwk' })
    const { d } = generateKeyPairSync('ec', { namedCurve: curve }).privateKey.export({ format: 'jwk' })
    await expectCode(bring(spec, { format: 'jwk', jwk: { ...jwk, d: d! } }), 'INVALID_REQUEST')
  })

  test('B28 whose scalar is 0, the order of the curve or beyond is refused', async () => {
    const bytes = Buffer.from(order, 'hex')
    const beyond = Buffer.from(bytes)
    beyond[beyond.length - 1]! += 1
    for (const odd of [Buffer.alloc(bytes.length), bytes, beyond, Buffer.alloc(bytes.length, 0xff)]) {
      await expectCode(bring(spec, privateOf(oid, odd)), 'INVALID_REQUEST')
      await expectCode(bring(spec, privateOf(oid, odd, point)), 'INVALID_REQUEST')
    }
  })

  test('B28 with the greatest scalar there is, is taken', async () => {
    const bytes = Buffer.from(order, 'hex')
    bytes[bytes.length - 1]! -= 1
    const key = await bring(spec, privateOf(oid, bytes))
    const { signature } = await key.sign('message')
    expect(await key.verify('message', signature)).toMatchObject({ valid: true })
  })

  test('B28 whose scalar is too long or empty is refused', async () => {
    const long = Buffer.concat([scalar, Buffer.alloc(1, 1)])
    await expectCode(bring(spec, privateOf(oid, long, point)), 'INVALID_REQUEST')
    await expectCode(bring(spec, privateOf(oid, Buffer.alloc(0), point)), 'INVALID_REQUEST')
  })

  test('B28 of the twist, whose x has no y on the curve, is refused as a peer, too', async () => {
    if (spec === 'ECC_SECG_P256K1') return
    const agreeing = await kms.keys.create({ spec: spec as 'ECC_NIST_P256', usage: 'KEY_AGREEMENT' })
    const twisted = Buffer.from(point)
    twisted[twisted.length - 1]! ^= 1
    const { bytes } = publicOf(oid, twisted)
    await expectCode(agreeing.deriveSharedSecret(bytes), 'INVALID_REQUEST')
  })
})

test('B28 a curve that no spec has is refused by every spec', async () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' })
  expect(createPrivateKey(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })).asymmetricKeyType).toBe('ec')
  for (const { spec } of curves) {
    await expectCode(bring(spec, pkcs8(pair.privateKey)), 'INVALID_REQUEST')
    await expectCode(bring(spec, spki(pair.publicKey)), 'INVALID_REQUEST')
  }
})
