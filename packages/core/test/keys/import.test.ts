import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { WrappingAlgorithm } from '../../src/index.ts'
import { bring, enabled, material, pending } from '../support/imports.ts'
import { day, expectCode, makeWorld, outcomeOf, recordOf } from '../support/kms.ts'
import { importOf, kwpAlgorithm, parameters, wrap } from '../support/wrapped-material.ts'

describe('a key whose material is to be imported', () => {
  test('C52 waits for it, and then is like one that was made with it', async () => {
    const world = await pending()
    const { kms } = world
    expect(await kms.keys.get({ key: 'k' })).toMatchObject({ state: 'PendingImport', origin: 'EXTERNAL' })
    await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }), 'INVALID_KEY_STATE')
    const parametersOf = await kms.keys.getParametersForImport({ key: 'k', wrappingAlgorithm: kwpAlgorithm })
    expect(parametersOf.parametersValidTo).toEqual(new Date(world.clock.now() + day))
    const record = await recordOf(world, () => kms.keys.importKeyMaterial(importOf('k', material, parametersOf)))
    expect(record).toMatchObject({ action: 'importKeyMaterial', status: 'SUCCESS', keyVersion: 1 })
    expect(record.details).toEqual({ version: 1, wrappingAlgorithm: kwpAlgorithm })
    expect(record.change?.rows.map(({ table }) => table)).toEqual(['imports', 'versions', 'keys'])
    expect(await kms.keys.get({ key: 'k' })).toMatchObject({ state: 'Enabled', materialExpiresAt: undefined })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    expect((await (await world.again()).decrypt({ ciphertext })).plaintext.toString()).toBe('x')
  })

  test('C52 takes the material of every kind of spec, and it is the material', async () => {
    const { kms } = await makeWorld()
    const pkcs8 = { type: 'pkcs8', format: 'der' } as const
    const spki = { type: 'spki', format: 'der' } as const
    const pairs = [
      ['RSA_2048', 'SIGN_VERIFY', generateKeyPairSync('rsa', { modulusLength: 2048 })],
      ['ECC_NIST_P384', 'KEY_AGREEMENT', generateKeyPairSync('ec', { namedCurve: 'secp384r1' })],
      ['ECC_NIST_EDWARDS25519', 'SIGN_VERIFY', generateKeyPairSync('ed25519')],
      ['X25519', 'KEY_AGREEMENT', generateKeyPairSync('x25519')],
    ] as const
    for (const [spec, usage, pair] of pairs) {
      await kms.keys.create({ name: spec, spec, usage, origin: 'EXTERNAL' } as never)
      const bytes = pair.privateKey.export(pkcs8)
      await kms.keys.importKeyMaterial(importOf(spec, bytes, await parameters(kms, spec)))
      expect((await kms.getPublicKey({ key: spec })).publicKey).toEqual(pair.publicKey.export(spki))
    }
    await kms.keys.create({ name: 'mac', spec: 'HMAC_256', origin: 'EXTERNAL' })
    const given = await parameters(kms, 'mac', 'RSAES_OAEP_SHA_256')
    const secret = randomBytes(64)
    const wrappingAlgorithm: WrappingAlgorithm = 'RSAES_OAEP_SHA_256'
    const encryptedKeyMaterial = wrap(wrappingAlgorithm, given.publicKey, secret)
    const request = { key: 'mac', encryptedKeyMaterial, importToken: given.importToken, wrappingAlgorithm }
    await kms.keys.importKeyMaterial(request)
    const same = await kms.keys.create({
      spec: 'HMAC_256',
      origin: 'EXTERNAL',
      material: { format: 'raw', bytes: secret },
    })
    const { mac } = await kms.generateMac({ key: 'mac', message: 'm' })
    expect((await same.verifyMac('m', mac)).valid).toBe(true)
  })

  test('C52 A17 A18 takes base64url too, in its one canonical form, and nothing longer than a key can be', async () => {
    const { kms } = await pending()
    const request = importOf('k', material, await parameters(kms, 'k'))
    const texts = {
      encryptedKeyMaterial: request.encryptedKeyMaterial.toString('base64url'),
      importToken: request.importToken.toString('base64url'),
    }
    for (const field of ['encryptedKeyMaterial', 'importToken'] as const) {
      const text = texts[field]
      const bad = [
        `${text}=`,
        ` ${text}`,
        `${text}\n`,
        request[field].toString('base64'),
        `${text.slice(0, -1)}!`,
        '\0',
      ]
      for (const value of bad) {
        const asked = { ...request, ...texts, [field]: value }
        expect([field, value.length, await outcomeOf(kms.keys.importKeyMaterial(asked))]).toEqual([
          field,
          value.length,
          'INVALID_REQUEST',
        ])
      }
      for (const value of ['A'.repeat(100_000_000), Buffer.alloc(1 << 20)]) {
        const asked = { ...request, ...texts, [field]: value }
        expect(await outcomeOf(kms.keys.importKeyMaterial(asked))).toBe('LIMIT_EXCEEDED')
      }
      for (const value of [1, null, undefined, {}, [], new DataView(new ArrayBuffer(8))]) {
        const asked = { ...request, ...texts, [field]: value } as never
        expect(await outcomeOf(kms.keys.importKeyMaterial(asked))).toBe('INVALID_REQUEST')
      }
    }
    expect(await outcomeOf(kms.keys.importKeyMaterial({ ...request, ...texts }))).toBe('ok')
  })

  test('C52 an origin is for ever: nothing is imported into a key that was made here', async () => {
    const { kms } = await pending()
    await kms.keys.create({ name: 'made', spec: 'AES_256' })
    await expectCode(parameters(kms, 'made'), 'INVALID_KEY_USAGE')
    const request = importOf('made', material, await parameters(kms, 'k'))
    await expectCode(kms.keys.importKeyMaterial(request), 'INVALID_KEY_USAGE')
    await expectCode(kms.keys.deleteImportedKeyMaterial({ key: 'made' }), 'INVALID_KEY_USAGE')
  })

  test('S0-33 a service that makes one brings its material along, or is granted the import: the two halves of it apart', async () => {
    const { kms } = await makeWorld()
    await kms.grants.create({ principal: 'app', key: '*', operations: ['createKey'] })
    const app = kms.as('app')
    await app.keys.create({ name: 'k', spec: 'AES_256', origin: 'EXTERNAL', exportable: true })
    await expectCode(parameters(app, 'k'), 'ACCESS_DENIED')
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['getParametersForImport'] })
    const request = importOf('k', material, await parameters(app, 'k'))
    await expectCode(app.keys.importKeyMaterial(request), 'ACCESS_DENIED')
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['importKeyMaterial'] })
    expect((await app.keys.importKeyMaterial(request)).state).toBe('Enabled')
    expect(await outcomeOf(app.encrypt({ key: 'k', plaintext: 'x' }))).toBe('ok')
    await expectCode(app.keys.deleteImportedKeyMaterial({ key: 'k' }), 'ACCESS_DENIED')
    const brought = { format: 'raw', bytes: material } as const
    const own = await app.keys.create({ spec: 'AES_256', origin: 'EXTERNAL', material: brought })
    expect(await outcomeOf(own.encrypt('x'))).toBe('ok')
  })

  test('S0-33 a service that makes one has the named data keys under it only where they are granted', async () => {
    const { kms } = await makeWorld()
    await kms.grants.create({ principal: 'app', key: '*', operations: ['createKey'] })
    const app = kms.as('app')
    const { id } = await app.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.dataKeys.generate({ reference: 'orders', key: 'k' })
    await expectCode(app.dataKeys.generate({ reference: 'own', key: 'k' }), 'ACCESS_DENIED')
    for (const verb of ['get', 'rotate'] as const) {
      await expectCode(app.dataKeys[verb]({ reference: 'orders' }), 'ACCESS_DENIED')
    }
    await kms.grants.create({ principal: 'app', key: id as string, operations: ['getDataKey'] })
    expect((await app.dataKeys.get({ reference: 'orders' })).plaintext).toHaveLength(32)
  })
})

describe('the same material', () => {
  test('C52 is taken again, and another is not, whether the first is still there or not', async () => {
    const world = await enabled()
    const { kms } = world
    const other = randomBytes(32)
    expect(await outcomeOf(bring(world, material))).toBe('ok')
    await expectCode(bring(world, other), 'CONFLICT')
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    const deletion = await kms.keys.deleteImportedKeyMaterial({ key: 'k', reason: 'moved' })
    expect(deletion).toMatchObject({ state: 'PendingImport', stateReason: 'moved', currentVersion: 1 })
    await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
    expect(await outcomeOf(kms.keys.deleteImportedKeyMaterial({ key: 'k' }))).toBe('ok')
    const rows = await world.db.rows('versions')
    expect(rows.map(({ material: stored, publicKey }) => [stored, publicKey])).toEqual([[null, null]])
    await expectCode(bring(world, other), 'CONFLICT')
    expect(await outcomeOf(kms.decrypt({ ciphertext }))).toBe('INVALID_KEY_STATE')
    await bring(world, material)
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
  })

  test('C52 is known of a key that was made with it, without an import', async () => {
    const world = await makeWorld()
    const { kms } = world
    const given = { format: 'raw', bytes: material } as const
    await kms.keys.create({ name: 'k', spec: 'AES_256', origin: 'EXTERNAL', material: given })
    await expectCode(bring(world, randomBytes(32)), 'CONFLICT')
    await kms.keys.deleteImportedKeyMaterial({ key: 'k' })
    await expectCode(bring(world, randomBytes(32)), 'CONFLICT')
    expect(await outcomeOf(bring(world, material))).toBe('ok')
  })

  test('C52 is not told by what is stored: its fingerprint is wrapped, for its key and version alone', async () => {
    const world = await enabled()
    const { kms, db } = world
    await kms.keys.create({ name: 'other', spec: 'AES_256', origin: 'EXTERNAL' })
    await kms.keys.importKeyMaterial(importOf('other', randomBytes(32), await parameters(kms, 'other')))
    const rows = await db.rows('imports')
    expect(rows).toHaveLength(2)
    await db.plant('imports', (row) => row['keyId'] === rows[0]!['keyId'], { fingerprint: rows[1]!['fingerprint']! })
    const again = await world.again()
    const key = String(rows[0]!['keyId'])
    await expectCode(
      again.keys.importKeyMaterial(importOf(key, material, await parameters(again, key))),
      'STORAGE_TAMPERED',
    )
  })

  test('C47 is of one version: an older one takes its own again, whatever was rotated meanwhile', async () => {
    const world = await enabled()
    const { kms } = world
    const before = await parameters(kms, 'k')
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'first' })
    const second = randomBytes(32)
    await kms.keys.rotate({ key: 'k', material: { format: 'raw', bytes: second } })
    await expectCode(kms.keys.importKeyMaterial(importOf('k', second, before)), 'CONFLICT')
    await kms.keys.deleteImportedKeyMaterial({ key: 'k', version: 1 })
    expect((await kms.keys.get({ key: 'k' })).state).toBe('Enabled')
    expect(await outcomeOf(kms.encrypt({ key: 'k', plaintext: 'x' }))).toBe('ok')
    await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
    const expiresAt = new Date(world.clock.now() + 1000)
    await kms.keys.importKeyMaterial({ ...importOf('k', material, before), expiresAt })
    expect((await kms.keys.get({ key: 'k' })).materialExpiresAt).toBeUndefined()
    expect(await outcomeOf(kms.decrypt({ ciphertext }))).toBe('ok')
    world.clock.advance(999)
    expect(await outcomeOf(kms.decrypt({ ciphertext }))).toBe('ok')
    world.clock.advance(1)
    expect(await outcomeOf(kms.decrypt({ ciphertext }))).toBe('INVALID_KEY_STATE')
    expect(await outcomeOf(kms.encrypt({ key: 'k', plaintext: 'x' }))).toBe('ok')
  })
})
