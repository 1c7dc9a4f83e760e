import { describe, expect, test } from 'vitest'
import type { CreateGrantRequest, GrantConstraints, GrantOperation } from '../../src/index.ts'
import { day, expectCode, makeWorld, outcomeOf, recordOf, type World } from '../support/kms.ts'

interface Held {
  readonly key?: string
  readonly operations: readonly GrantOperation[]
  readonly constraints?: GrantConstraints
  readonly expiresAt?: Date
}

/** A world with keys `k` and `other`, and a service `app` that holds `createGrant` on all keys and these grants. */
async function holding(held: readonly Held[]): Promise<World> {
  const world = await makeWorld()
  const { kms } = world
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  await kms.keys.create({ name: 'other', spec: 'AES_256' })
  await kms.grants.create({ principal: 'app', key: '*', operations: ['createGrant'] })
  for (const grant of held) await kms.grants.create({ principal: 'app', key: 'k', ...grant })
  return world
}

async function passesOn({ kms }: World, request: Partial<CreateGrantRequest>): Promise<string> {
  const grant = { principal: 'third', key: 'k', operations: ['encrypt'] as const, ...request }
  return outcomeOf(kms.as('app').grants.create(grant))
}

const subset: GrantConstraints = { contextSubset: { table: 'a' } }

describe('a service passes on', () => {
  test('D61 only what it holds', async () => {
    const world = await holding([{ operations: ['encrypt', 'describeKey'] }])
    expect(await passesOn(world, { operations: ['encrypt'] })).toBe('ok')
    expect(await passesOn(world, { operations: ['describeKey', 'encrypt'] })).toBe('ok')
    expect(await passesOn(world, { operations: ['createGrant'] })).toBe('ok')
    expect(await passesOn(world, { operations: ['decrypt'] })).toBe('ACCESS_DENIED')
    expect(await passesOn(world, { operations: ['encrypt', 'decrypt'] })).toBe('ACCESS_DENIED')
    expect((await world.kms.as('third').encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(1)
  })

  test('D61 on no other key, and not on all of them', async () => {
    const world = await holding([{ operations: ['encrypt'] }])
    expect(await passesOn(world, { key: 'other' })).toBe('ACCESS_DENIED')
    expect(await passesOn(world, { key: '*' })).toBe('ACCESS_DENIED')
  })

  test('D61 what it holds on all keys, on one of them and on all', async () => {
    const world = await holding([{ key: '*', operations: ['encrypt', 'listKeys'] }])
    expect(await passesOn(world, { key: 'other' })).toBe('ok')
    expect(await passesOn(world, { key: '*' })).toBe('ok')
    expect(await passesOn(world, { key: '*', operations: ['listKeys'] })).toBe('ok')
    expect(await passesOn(world, { key: '*', operations: ['createKey'] })).toBe('ACCESS_DENIED')
  })

  test('D61 what it holds by two grants together', async () => {
    const world = await holding([{ operations: ['encrypt'] }, { key: '*', operations: ['decrypt'] }])
    expect(await passesOn(world, { operations: ['encrypt', 'decrypt'] })).toBe('ok')
    expect(await passesOn(world, { key: '*', operations: ['encrypt', 'decrypt'] })).toBe('ACCESS_DENIED')
  })

  test('D61 under the same conditions, and not without them', async () => {
    const world = await holding([{ operations: ['encrypt'], constraints: subset }])
    expect(await passesOn(world, { constraints: subset })).toBe('ok')
    expect(await passesOn(world, {})).toBe('ACCESS_DENIED')
    expect(await passesOn(world, { constraints: { contextSubset: { table: 'b' } } })).toBe('ACCESS_DENIED')
    expect(await passesOn(world, { constraints: { contextEquals: { table: 'a' } } })).toBe('ACCESS_DENIED')
  })

  test('D61 under any conditions what it holds without any', async () => {
    const world = await holding([{ operations: ['encrypt'] }])
    expect(await passesOn(world, { constraints: subset })).toBe('ok')
    await expectCode(world.kms.as('third').encrypt({ key: 'k', plaintext: 'x' }), 'ACCESS_DENIED')
  })

  test.each([
    [-1, 'ok'],
    [0, 'ok'],
    [1, 'ACCESS_DENIED'],
  ])('D61 not for longer: to %d ms from its own end comes to %s', async (offset, outcome) => {
    const end = Date.UTC(2026, 0, 2)
    const world = await holding([{ operations: ['encrypt'], expiresAt: new Date(end) }])
    expect(await passesOn(world, { expiresAt: new Date(end + offset) })).toBe(outcome)
    expect(await passesOn(world, {})).toBe('ACCESS_DENIED')
  })

  test('D61 what it holds for ever, for as long as it likes', async () => {
    const world = await holding([{ operations: ['encrypt'] }])
    expect(await passesOn(world, { expiresAt: new Date(8e15) })).toBe('ok')
    expect(await passesOn(world, {})).toBe('ok')
  })

  test('D61 nothing once its own grant has ended', async () => {
    const end = Date.UTC(2026, 0, 2)
    const world = await holding([{ operations: ['encrypt'], expiresAt: new Date(end) }])
    world.clock.advance(day)
    expect(await passesOn(world, { expiresAt: new Date(end + 1) })).toBe('ACCESS_DENIED')
  })

  test('D61 nothing to itself, and the record says so', async () => {
    const world = await holding([{ operations: ['encrypt'] }])
    const app = world.kms.as('app')
    const grant = { principal: 'app', key: 'k', operations: ['encrypt'] as const }
    for (const work of [
      async () => app.grants.create(grant),
      async () => app.grants.ensure({ ...grant, name: 'mine' }),
      async () => app.grants.upsert(grant),
    ]) {
      const record = await recordOf(world, async () => {
        const error = await expectCode(work(), 'ACCESS_DENIED')
        expect(error.message).toBe('this principal may not do this')
      })
      expect(record).toMatchObject({ action: 'createGrant', reason: 'a service grants nothing to itself' })
    }
  })

  test('D61 nothing that it does not hold, and the record says so', async () => {
    const world = await holding([])
    const record = await recordOf(world, () => passesOn(world, {}))
    const reason = 'a service grants only what it holds itself'
    expect(record).toMatchObject({ action: 'createGrant', status: 'DENIED', code: 'ACCESS_DENIED', reason })
  })

  test('D61 nothing at all without createGrant on that key', async () => {
    const world = await makeWorld()
    const { kms } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.keys.create({ name: 'other', spec: 'AES_256' })
    await kms.grants.create({ principal: 'app', key: '*', operations: ['encrypt'] })
    await kms.grants.create({ principal: 'app', key: 'other', operations: ['createGrant'] })
    expect(await passesOn(world, {})).toBe('ACCESS_DENIED')
    expect(await passesOn(world, { key: '*' })).toBe('ACCESS_DENIED')
    expect(await passesOn(world, { key: 'other' })).toBe('ok')
  })

  test('D61 by upsert only where it may also take back what it replaces', async () => {
    const world = await holding([{ operations: ['encrypt'] }])
    const { kms } = world
    const app = kms.as('app')
    const grant = { principal: 'third', key: 'k', operations: ['encrypt'] as const }
    const before = await kms.grants.create({ ...grant, operations: ['decrypt'] })
    await expectCode(app.grants.upsert(grant), 'ACCESS_DENIED')
    expect((await kms.grants.list({ principal: 'third' })).items).toEqual([before])
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['revokeGrant'] })
    const after = await app.grants.upsert(grant)
    expect((await kms.grants.list({ principal: 'third' })).items).toEqual([after])
    expect(after.createdBy).toBe('app')
  })

  test('D61 by ensure what is there already only if it could have made it', async () => {
    const world = await holding([{ operations: ['encrypt'] }])
    const { kms } = world
    const grant = { name: 'reads', principal: 'third', key: 'k', operations: ['decrypt'] as const }
    await kms.grants.ensure(grant)
    await expectCode(kms.as('app').grants.ensure(grant), 'ACCESS_DENIED')
  })
})

describe('a service that may create keys', () => {
  test('S0-33 needs the permission: whoever has none creates nothing', async () => {
    const world = await makeWorld()
    const { kms, db } = world
    await kms.grants.create({ principal: 'app', key: '*', operations: ['encrypt', 'describeKey', 'createGrant'] })
    await expectCode(kms.as('app').keys.create({ spec: 'AES_256' }), 'ACCESS_DENIED')
    await expectCode(kms.as('app').keys.ensure({ name: 'new', spec: 'AES_256' }), 'ACCESS_DENIED')
    expect(await db.rows('keys')).toEqual([])
  })

  test('S0-33 receives manageKey on each key that it makes, and on no other', async () => {
    const world = await makeWorld()
    const { kms } = world
    await kms.grants.create({ principal: 'app', key: '*', operations: ['createKey'] })
    const others = await kms.keys.create({ name: 'others', spec: 'AES_256' })
    const app = kms.as('app')
    const record = await recordOf(world, () => app.keys.create({ name: 'own', spec: 'AES_256' }))
    const { id } = await kms.keys.get({ key: 'own' })
    expect(record).toMatchObject({ action: 'createKey', keyId: id, keyVersion: 1, details: { spec: 'AES_256' } })
    expect(record.change?.rows.map(({ table }) => table)).toEqual(['names', 'keys', 'versions', 'grants'])
    const [grant] = (await kms.grants.list({ key: 'own' })).items
    expect(grant).toMatchObject({ principal: 'app', name: undefined, constraints: {}, expiresAt: undefined })
    expect(grant?.createdBy).toBe('app')
    expect(grant?.operations.toSorted()).toEqual(
      [
        'encrypt',
        'decrypt',
        'reEncryptFrom',
        'reEncryptTo',
        'generateDataKey',
        'generateDataKeyWithoutPlaintext',
        'generateDataKeyPair',
        'generateDataKeyPairWithoutPlaintext',
        'decryptDataKey',
        'deterministicEncrypt',
        'deterministicDecrypt',
        'getPublicKey',
        'describeKey',
        'updateKey',
        'rotateKey',
        'disableKey',
        'enableKey',
        'revokeKey',
      ].toSorted(),
    )
    const { ciphertext } = await app.encrypt({ key: 'own', plaintext: 'x' })
    await app.keys.rotate({ key: 'own' })
    expect((await app.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
    await app.keys.revoke({ key: 'own', reason: 'leaked' })
    await expectCode(app.keys.scheduleDeletion({ key: 'own' }), 'ACCESS_DENIED')
    await expectCode(app.keys.get({ key: 'others' }), 'ACCESS_DENIED')
    await expectCode(app.keys.get({ key: others.id! }), 'ACCESS_DENIED')
  })

  test('S0-33 finds its own key again by ensure, and is refused one of somebody else', async () => {
    const { kms } = await makeWorld()
    await kms.grants.create({ principal: 'app', key: '*', operations: ['createKey'] })
    await kms.keys.create({ name: 'others', spec: 'AES_256' })
    const app = kms.as('app')
    const own = await app.keys.ensure({ name: 'own', spec: 'AES_256' })
    expect((await app.keys.ensure({ name: 'own', spec: 'AES_256' })).id).toBe(own.id)
    await expectCode(app.keys.ensure({ name: 'others', spec: 'AES_256' }), 'ACCESS_DENIED')
    expect((await kms.grants.list({ principal: 'app' })).items).toHaveLength(2)
  })

  test('S0-33 an admin who makes a key needs no grant, and receives none', async () => {
    const { kms, db } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    expect(await db.rows('grants')).toEqual([])
  })
})
