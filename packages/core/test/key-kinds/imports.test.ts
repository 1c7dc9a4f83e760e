import { createHash, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KeyMaterial, KeySpec, KeyUsage } from '../../src/index.ts'
import { expectCode, makeWorld, recordOf } from '../support/kms.ts'
import { kinds, make, nameOf } from './kinds.ts'

const world = await makeWorld()
const { kms } = world
const newerPair = generateKeyPairSync as unknown as (
  type: string,
  options?: object,
) => Record<'privateKey' | 'publicKey', KeyObject>

/** How Node makes a pair of a spec. */
const makers: Readonly<Record<string, () => Record<'privateKey' | 'publicKey', KeyObject>>> = {
  RSA_2048: () => newerPair('rsa', { modulusLength: 2048 }),
  ECC_NIST_P256: () => newerPair('ec', { namedCurve: 'prime256v1' }),
  ECC_SECG_P256K1: () => newerPair('ec', { namedCurve: 'secp256k1' }),
  ECC_NIST_EDWARDS25519: () => newerPair('ed25519'),
  X25519: () => newerPair('x25519'),
  ML_DSA_44: () => newerPair('ml-dsa-44'),
  ML_KEM_768: () => newerPair('ml-kem-768'),
}

function materialOf(spec: KeySpec, half: 'private' | 'public' = 'private'): KeyMaterial {
  const pair = makers[spec]?.()
  if (pair === undefined) return { format: 'raw', bytes: randomBytes(32) }
  if (half === 'public') return { format: 'spki', bytes: pair.publicKey.export({ format: 'der', type: 'spki' }) }
  return { format: 'pkcs8', bytes: pair.privateKey.export({ format: 'der', type: 'pkcs8' }) }
}

async function bring(of: { spec: KeySpec; usage: KeyUsage }, material: KeyMaterial, name?: string): Promise<string> {
  const { spec, usage } = of
  const request = { spec, usage, origin: 'EXTERNAL', material, name } as never as { spec: 'AES_256' }
  return (await kms.keys.create(request)).id!
}

describe.each(kinds.map((kind) => [nameOf(kind), kind] as const))('material of a key of %s', (_, kind) => {
  test('C52 that is brought along works like any other, and says where it came from', async () => {
    const key = await bring(kind, materialOf(kind.spec))
    const { made } = await kind.protect(kms, key)
    expect(await kind.process(kms, { key, made })).toEqual({ right: true, keyVersion: 1 })
    expect(await kms.keys.get({ key })).toMatchObject({ origin: 'EXTERNAL', spec: kind.spec, usage: kind.usage })
    const elsewhere = await world.again()
    expect((await kind.process(elsewhere, { key, made })).right).toBe(true)
    await elsewhere.close()
  })

  test('C52 comes with the origin EXTERNAL, and only with it', async () => {
    const { spec, usage } = kind
    const material = materialOf(spec)
    for (const request of [
      { spec, usage, material },
      { spec, usage, origin: 'CHATELAINE', material },
      { spec, usage, origin: 'AWS', material },
    ] as never[]) {
      await expectCode(kms.keys.create(request), 'INVALID_REQUEST')
    }
  })

  test('C52 is brought again to rotate, and never made here', async () => {
    const key = await bring(kind, materialOf(kind.spec))
    const { made } = await kind.protect(kms, key)
    await expectCode(kms.keys.rotate({ key }), 'INVALID_REQUEST')
    const record = await recordOf(world, async () => kms.keys.rotate({ key }))
    expect(record).toMatchObject({ action: 'rotateKey', status: 'FAILURE', code: 'INVALID_REQUEST', keyId: key })
    await kms.keys.rotate({ key, material: materialOf(kind.spec) })
    expect((await kind.protect(kms, key)).keyVersion).toBe(2)
    expect(await kind.process(kms, { key, made, keyVersion: 1 })).toEqual({ right: true, keyVersion: 1 })
  })

  test('C52 is not brought to a key that was made here', async () => {
    const key = await make(kms, kind, `own-${nameOf(kind).replace('/', '-')}`)
    await expectCode(kms.keys.rotate({ key, material: materialOf(kind.spec) }), 'INVALID_REQUEST')
    expect((await kms.keys.get({ key })).currentVersion).toBe(1)
  })

  test('C52 is not checked less when it is a new version', async () => {
    const key = await bring(kind, materialOf(kind.spec))
    for (const material of [
      { format: 'raw', bytes: randomBytes(5) },
      { format: 'raw', bytes: Buffer.alloc(32, 1) },
      { format: 'pkcs8', bytes: randomBytes(64) },
      materialOf(kind.spec === 'RSA_2048' ? 'X25519' : 'RSA_2048'),
    ] as const) {
      await expectCode(kms.keys.rotate({ key, material }), 'INVALID_REQUEST')
    }
    expect((await kms.keys.get({ key })).currentVersion).toBe(1)
  })

  test('C52 that its caller changes afterwards is taken as it was', async () => {
    const material = materialOf(kind.spec) as { format: 'pkcs8'; bytes: Buffer }
    const bringing = bring(kind, material)
    material.bytes.fill(0)
    const key = await bringing
    const { made } = await kind.protect(kms, key)
    expect((await kind.process(kms, { key, made })).right).toBe(true)
  })
})

const pairs = kinds.filter(({ usage }) => usage !== 'GENERATE_VERIFY_MAC')

describe.each(pairs.map((kind) => [nameOf(kind), kind] as const))('a public key alone of %s', (_, kind) => {
  const forward = kind.usage === 'ENCRYPT_DECRYPT' || kind.usage === 'ENCAPSULATE_DECAPSULATE'

  test('B36 does what takes the public half, and refuses what takes the private one', async () => {
    const key = await bring(kind, materialOf(kind.spec, 'public'))
    const tried = { key, made: Buffer.alloc(kind.spec === 'RSA_2048' ? 256 : 1088), keyVersion: 1 }
    if (forward) expect((await kind.protect(kms, key)).keyVersion).toBe(1)
    else await expectCode(kind.protect(kms, key), 'INVALID_KEY_USAGE')
    if (kind.usage === 'SIGN_VERIFY') expect((await kind.process(kms, tried)).right).toBe(false)
    else await expectCode(kind.process(kms, tried), 'INVALID_KEY_USAGE')
  })

  test('B36 shows itself, and in the next version may be a pair', async () => {
    const material = materialOf(kind.spec, 'public') as { format: 'spki'; bytes: Buffer }
    const key = await bring(kind, material)
    expect((await kms.getPublicKey({ key })).publicKey).toEqual(material.bytes)
    await kms.keys.rotate({ key, material: materialOf(kind.spec) })
    const { made } = await kind.protect(kms, key)
    expect((await kind.process(kms, { key, made })).right).toBe(true)
  })
})

test('C52 the same material twice is taken: it is another key, under another wrapping', async () => {
  const material = { format: 'raw', bytes: createHash('sha256').update('the same').digest() } as const
  const [one, other] = [
    await bring({ spec: 'HMAC_256', usage: 'GENERATE_VERIFY_MAC' }, material),
    await bring({ spec: 'HMAC_256', usage: 'GENERATE_VERIFY_MAC' }, material),
  ]
  const macs = [await kms.generateMac({ key: one, message: 'x' }), await kms.generateMac({ key: other, message: 'x' })]
  expect(macs[0]?.mac).toEqual(macs[1]?.mac)
  const rows = (await world.db.rows('versions')).filter((row) => [one, other].includes(row['keyId'] as string))
  const texts = rows.map((row) => Buffer.from(row['material'] as Uint8Array).toString('hex'))
  expect(rows).toHaveLength(2)
  expect(texts[0]?.slice(48)).not.toBe(texts[1]?.slice(48))
})

test('C52 that came from elsewhere is recorded so, and nothing of it', async () => {
  const bytes = randomBytes(32)
  const material = { format: 'raw', bytes } as const
  const request = { name: 'brought', spec: 'HMAC_256', origin: 'EXTERNAL', material } as const
  const record = await recordOf(world, async () => kms.keys.create(request))
  expect(record).toMatchObject({
    action: 'createKey',
    status: 'SUCCESS',
    details: { spec: 'HMAC_256', origin: 'EXTERNAL' },
  })
  for (const form of ['hex', 'base64', 'base64url'] as const)
    expect(JSON.stringify(record)).not.toContain(bytes.toString(form))
})

test('C52 ensure finds the key of the name, and leaves the material it has', async () => {
  const spec = 'ECC_NIST_EDWARDS25519'
  const material = materialOf(spec)
  const ensure = async () => kms.keys.ensure({ name: 'ensured', spec, origin: 'EXTERNAL', material })
  const first = await (await ensure()).getPublicKey()
  expect(await (await ensure()).getPublicKey()).toEqual(first)
  expect((await kms.keys.get({ key: 'ensured' })).currentVersion).toBe(1)
})
