import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { bring, material } from '../support/imports.ts'
import { expectCode, makeWorld, outcomeOf, recordOf, type World } from '../support/kms.ts'
import { importOf, kwpAlgorithm, parameters, recipient, unwrapExported } from '../support/wrapped-material.ts'

const asked = { publicKey: recipient, wrappingAlgorithm: kwpAlgorithm } as const

const anyKey = { spec: 'RSA_2048', usage: 'SIGN_VERIFY', exportable: true } as const

async function exportable(): Promise<World> {
  const world = await makeWorld()
  await world.kms.keys.create({ name: 'k', spec: 'AES_256', origin: 'EXTERNAL', exportable: true })
  await bring(world, material)
  return world
}

describe('an export', () => {
  test('C53 gives the material of an exportable key, wrapped, and is recorded with whom it is for', async () => {
    const world = await exportable()
    const { kms } = world
    for (const wrappingAlgorithm of ['RSAES_OAEP_SHA_256', kwpAlgorithm] as const) {
      const result = await kms.keys.export({ key: 'k', publicKey: recipient, wrappingAlgorithm })
      expect(unwrapExported(wrappingAlgorithm, result.encryptedKeyMaterial)).toEqual(material)
      const { id } = await kms.keys.get({ key: 'k' })
      const rest = { wrappingAlgorithm, keyId: id, keyVersion: 1, spec: 'AES_256', usage: 'ENCRYPT_DECRYPT' }
      expect({ ...result, encryptedKeyMaterial: undefined }).toEqual({ ...rest, encryptedKeyMaterial: undefined })
    }
    const record = await recordOf(world, () => kms.keys.export({ key: 'k', ...asked }))
    expect(record).toMatchObject({ action: 'exportKey', status: 'SUCCESS', keyVersion: 1 })
    expect(Object.keys(record.details ?? {}).toSorted()).toEqual(['recipient', 'wrappingAlgorithm'])
    expect(record.details?.['recipient']).toMatch(/^[0-9a-f]{64}$/)
  })

  test('C53 of a key that was not made exportable is refused to everybody, whatever its origin', async () => {
    const { kms, ...world } = await makeWorld()
    await kms.keys.create({ name: 'made', spec: 'AES_256' })
    await kms.keys.create({ name: 'brought', spec: 'AES_256', origin: 'EXTERNAL', exportable: false })
    await kms.keys.importKeyMaterial(importOf('brought', material, await parameters(kms, 'brought')))
    for (const key of ['made', 'brought']) {
      await expectCode(kms.keys.export({ key, ...asked }), 'INVALID_KEY_USAGE')
      await expectCode(kms.keys.update({ key, exportable: true } as never), 'INVALID_REQUEST')
    }
    // Nor does it help to write so into the database: the wrapping binds it.
    await world.db.plant('keys', () => true, { exportable: 1 })
    const other = await world.again()
    await expectCode(other.keys.export({ key: 'made', ...asked }), 'STORAGE_TAMPERED')
  })

  test('C53 is a right of its own, which comes with no other', async () => {
    const { kms } = await makeWorld()
    await kms.grants.create({ principal: 'app', key: '*', operations: ['createKey'] })
    await kms.as('app').keys.create({ name: 'k', spec: 'AES_256', exportable: true })
    await expectCode(kms.as('app').keys.export({ key: 'k', ...asked }), 'ACCESS_DENIED')
    await expectCode(kms.as({ id: 'eve', role: 'auditor' }).keys.export({ key: 'k', ...asked }), 'ACCESS_DENIED')
    await expectCode(kms.as('app').keys.export({ key: 'none', ...asked }), 'ACCESS_DENIED')
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['exportKey'] })
    expect(await outcomeOf(kms.as('app').keys.export({ key: 'k', ...asked }))).toBe('ok')
  })

  test('C53 of a key pair is its PKCS#8, and comes in again as the same key', async () => {
    const { kms } = await makeWorld()
    for (const spec of ['RSA_2048', 'ECC_NIST_P256', 'ECC_NIST_EDWARDS25519', 'ML_DSA_44'] as const) {
      const request = { spec, usage: 'SIGN_VERIFY', exportable: true } as const
      const { id: key = '' } = await kms.keys.create(request as typeof anyKey)
      const { encryptedKeyMaterial } = await kms.keys.export({ key, ...asked })
      const pkcs8 = unwrapExported(kwpAlgorithm, encryptedKeyMaterial)
      const { publicKey } = await kms.getPublicKey({ key })
      const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
      expect(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })).toEqual(publicKey)
      const { id: to = '' } = await kms.keys.create({ ...(request as typeof anyKey), origin: 'EXTERNAL' })
      await kms.keys.importKeyMaterial(importOf(to, pkcs8, await parameters(kms, to)))
      expect((await kms.getPublicKey({ key: to })).publicKey).toEqual(publicKey)
    }
  })

  test('C53 of a public key alone there is none', async () => {
    const { kms } = await makeWorld()
    const bytes = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' })
    const spec = 'ECC_NIST_EDWARDS25519'
    const given = {
      name: 'k',
      spec,
      origin: 'EXTERNAL',
      exportable: true,
      material: { format: 'spki', bytes },
    } as const
    await kms.keys.create(given)
    await expectCode(kms.keys.export({ key: 'k', ...asked }), 'INVALID_KEY_USAGE')
  })

  test('C43 is for versions that still process, of keys that are enabled', async () => {
    const world = await exportable()
    const { kms } = world
    await kms.keys.rotate({ key: 'k', material: { format: 'raw', bytes: randomBytes(32) } })
    const { encryptedKeyMaterial, keyVersion } = await kms.keys.export({ key: 'k', version: 1, ...asked })
    expect([keyVersion, unwrapExported(kwpAlgorithm, encryptedKeyMaterial)]).toEqual([1, material])
    await expectCode(kms.keys.export({ key: 'k', version: 3, ...asked }), 'KEY_NOT_FOUND')
    await kms.keys.disable({ key: 'k', version: 1 })
    await expectCode(kms.keys.export({ key: 'k', version: 1, ...asked }), 'INVALID_KEY_STATE')
    for (const stop of ['disable', 'revoke', 'scheduleDeletion'] as const) {
      await kms.keys[stop]({ key: 'k', reason: 'r' })
      await expectCode(kms.keys.export({ key: 'k', ...asked }), 'INVALID_KEY_STATE')
    }
  })

  test.each([
    ['a small RSA key', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey],
    [
      'an RSA key with the exponent 3',
      generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey,
    ],
    ['an RSA key of another size', generateKeyPairSync('rsa', { modulusLength: 2056 }).publicKey],
    ['an RSA-PSS key', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey],
    ['an elliptic-curve key', generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey],
  ])('B27 goes to no %s', async (_, key) => {
    const { kms } = await exportable()
    const publicKey = key.export({ type: 'spki', format: 'der' })
    await expectCode(kms.keys.export({ key: 'k', publicKey, wrappingAlgorithm: kwpAlgorithm }), 'INVALID_REQUEST')
  })

  test('C52 goes to one public key: no private one, no two, no encoding but one', async () => {
    const { kms } = await exportable()
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
    const good = [pem, publicKey.export({ format: 'jwk' }), publicKey.export({ type: 'spki', format: 'der' })]
    for (const key of good) expect(await outcomeOf(kms.keys.export({ ...asked, key: 'k', publicKey: key }))).toBe('ok')
    const bad = [
      privateKey.export({ type: 'pkcs8', format: 'der' }),
      privateKey.export({ type: 'pkcs8', format: 'pem' }),
      privateKey.export({ format: 'jwk' }),
      publicKey.export({ type: 'pkcs1', format: 'der' }),
      Buffer.concat([recipient, Buffer.of(0)]),
      pem + pem,
      pem.padEnd(1 << 20, '\n'),
      '',
      undefined,
      publicKey,
    ]
    for (const key of bad) {
      const request = { ...asked, key: 'k', publicKey: key } as never
      expect(await outcomeOf(kms.keys.export(request))).toBe('INVALID_REQUEST')
    }
  })

  test('C53 of what does not fit the algorithm is refused, and the record says so', async () => {
    const world = await makeWorld()
    const { kms } = world
    await kms.keys.create({ name: 'k', spec: 'RSA_2048', usage: 'SIGN_VERIFY', exportable: true })
    const request = { key: 'k', publicKey: recipient, wrappingAlgorithm: 'RSAES_OAEP_SHA_256' } as const
    const record = await recordOf(world, () => kms.keys.export(request))
    expect(record).toMatchObject({ action: 'exportKey', status: 'FAILURE', code: 'LIMIT_EXCEEDED' })
  })

  test('C53 keeps to what a key was ensured as', async () => {
    const { kms } = await makeWorld()
    await kms.keys.ensure({ name: 'in', spec: 'AES_256' })
    await kms.keys.ensure({ name: 'out', spec: 'AES_256', exportable: true })
    await expectCode(kms.keys.ensure({ name: 'in', spec: 'AES_256', exportable: true }), 'CONFLICT')
    await expectCode(kms.keys.ensure({ name: 'out', spec: 'AES_256' }), 'CONFLICT')
    expect(await outcomeOf(kms.keys.ensure({ name: 'out', spec: 'AES_256', exportable: true }))).toBe('ok')
    expect((await kms.keys.get({ key: 'out' })).exportable).toBe(true)
  })
})
