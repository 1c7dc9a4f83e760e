import { describe, expect, test } from 'vitest'
import { deviceKey, shortGrace, type AuditAnchor } from '../../src/index.ts'
import { until } from '../support/audit-world.ts'
import { day, expectCode, makeWorld, outcomeOf, recordOf } from '../support/kms.ts'

const periods = ['rotationPeriodDays', 'expiresAfterDays', 'deletionUnusedDays'] as const
const notDays = [NaN, Infinity, -Infinity, -1, 0.5, 36_501, 1e300, 2 ** 53, '7', 7n, true, [7], {}]

describe('policies', () => {
  test.each(notDays)('C48 are never of %s days', async (value) => {
    const { kms, db } = await makeWorld()
    for (const name of [...periods, 'gracePeriodDays', 'retainAfterExpiryDays']) {
      const policy = { expiresAfterDays: 1, [name]: value } as object
      await expectCode(kms.keys.create({ spec: 'AES_256', ...policy }), 'INVALID_REQUEST')
      await expectCode(kms.keys.updateDefaults(policy), 'INVALID_REQUEST')
    }
    expect(await db.rows('keys')).toEqual([])
    expect(await db.rows('key_defaults')).toEqual([])
  })

  test.each(periods)('C48 of 0 days are refused where they would never let the key be used: %s', async (name) => {
    const { kms } = await makeWorld()
    await expectCode(kms.keys.create({ spec: 'AES_256', [name]: 0 }), 'INVALID_REQUEST')
    await kms.keys.create({ spec: 'AES_256', [name]: 36_500 })
  })

  test('stay where they are not given, and end where null is', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 3, expiresAfterDays: 30 })
    expect(await kms.keys.update({ key: 'k', gracePeriodDays: 5 })).toMatchObject({
      gracePeriodDays: 5,
      expiresAfterDays: 30,
    })
    const updated = await kms.keys.update({ key: 'k', expiresAfterDays: null, owner: 'shop' })
    expect(updated).toMatchObject({ gracePeriodDays: 5, expiresAfterDays: undefined, owner: 'shop' })
    expect((await kms.keys.update({ key: 'k', owner: null })).owner).toBeUndefined()
  })

  test('that need each other are given together, or refused as a whole', async () => {
    const { kms } = await makeWorld()
    await expectCode(kms.keys.create({ spec: 'AES_256', retainAfterExpiryDays: 1 }), 'INVALID_REQUEST')
    await kms.keys.create({ name: 'k', spec: 'AES_256', ...deviceKey })
    await expectCode(kms.keys.update({ key: 'k', expiresAfterDays: null }), 'INVALID_REQUEST')
    expect(await kms.keys.get({ key: 'k' })).toMatchObject({ expiresAfterDays: 30, retainAfterExpiryDays: 90 })
    await kms.keys.update({ key: 'k', expiresAfterDays: null, retainAfterExpiryDays: null })
  })

  test('are on record when they are changed, each with its value', async () => {
    const world = await makeWorld()
    await world.kms.keys.create({ name: 'k', spec: 'AES_256', deletionProtection: true })
    const changes = { deletionProtection: false, gracePeriodDays: null, expiresAfterDays: 5, minDecryptVersion: 1 }
    const record = await recordOf(world, () => world.kms.keys.update({ key: 'k', ...changes }))
    expect(record.details).toEqual({
      deletionProtection: false,
      gracePeriodDays: 'none',
      expiresAfterDays: 5,
      minDecryptVersion: 1,
    })
  })

  test('E97 that nobody could have written are not followed', async () => {
    for (const policy of [
      '{"gracePeriodDays":-1}',
      '{"expiresAfterDays":1.5}',
      '{"other":1}',
      '[]',
      '{"afterGrace":1}',
    ]) {
      const { kms, db, again } = await makeWorld()
      await kms.keys.create({ name: 'k', spec: 'AES_256' })
      await db.plant('keys', () => true, { policy })
      const other = await again()
      await expectCode(other.encrypt({ key: 'k', plaintext: 'x' }), 'STORAGE_TAMPERED')
    }
  })
})

describe('the defaults of a tenant', () => {
  test('are what new keys have where nobody says otherwise; keys that there are stay', async () => {
    const { kms, again } = await makeWorld()
    await kms.keys.create({ name: 'before', spec: 'AES_256' })
    expect(await kms.keys.updateDefaults(deviceKey)).toMatchObject(deviceKey)
    const other = await again()
    expect(await other.keys.getDefaults()).toMatchObject(deviceKey)
    await other.keys.create({ name: 'after', spec: 'AES_256' })
    await other.keys.create({ name: 'own', spec: 'AES_256', expiresAfterDays: 7 })
    await other.keys.create({ name: 'none', spec: 'AES_256', expiresAfterDays: null, retainAfterExpiryDays: null })
    expect(await kms.keys.get({ key: 'before' })).toMatchObject({ expiresAfterDays: undefined })
    expect(await kms.keys.get({ key: 'after' })).toMatchObject(deviceKey)
    expect(await kms.keys.get({ key: 'own' })).toMatchObject({ expiresAfterDays: 7, retainAfterExpiryDays: 90 })
    expect(await kms.keys.get({ key: 'none' })).toMatchObject({ expiresAfterDays: undefined })
    await kms.keys.updateDefaults({ expiresAfterDays: null, retainAfterExpiryDays: null })
    expect(await kms.keys.getDefaults()).toMatchObject({
      expiresAfterDays: undefined,
      retainAfterExpiryDays: undefined,
    })
    expect(await kms.keys.get({ key: 'after' })).toMatchObject(deviceKey)
  })

  test('are nothing to begin with, and of one tenant', async () => {
    const { kms } = await makeWorld()
    const other = await kms.tenants.ensure('other')
    await kms.keys.updateDefaults(shortGrace)
    expect((await other.keys.getDefaults()).gracePeriodDays).toBeUndefined()
    expect((await kms.keys.getDefaults()).gracePeriodDays).toBe(7)
  })

  test('D61 are changed by admins, and seen by auditors', async () => {
    const { kms } = await makeWorld()
    const auditor = kms.as({ id: 'anna', role: 'auditor' })
    await auditor.keys.getDefaults()
    await expectCode(auditor.keys.updateDefaults(shortGrace), 'ACCESS_DENIED')
    await expectCode(kms.as('app').keys.updateDefaults(shortGrace), 'ACCESS_DENIED')
    await expectCode(kms.as('app').keys.getDefaults(), 'ACCESS_DENIED')
  })

  test('are on record when they are changed', async () => {
    const world = await makeWorld()
    const record = await recordOf(world, () => world.kms.keys.updateDefaults(shortGrace))
    expect(record).toMatchObject({ action: 'updateKeyDefaults', details: { gracePeriodDays: 7 } })
    expect(record.change?.rows).toEqual([{ table: 'key_defaults', key: ['policy'], rev: 1 }])
  })
})

test('S0-11 S1-05 presets are plain objects that nobody can change', () => {
  expect(shortGrace).toEqual({ gracePeriodDays: 7 })
  expect(deviceKey).toEqual({ expiresAfterDays: 30, retainAfterExpiryDays: 90 })
  expect([shortGrace, deviceKey].every(Object.isFrozen)).toBe(true)
})

describe('a deletion', () => {
  test('C50 of a protected key is refused, to admins too, until the protection is taken away', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', deletionProtection: true })
    await expectCode(kms.keys.scheduleDeletion({ key: 'k' }), 'INVALID_KEY_STATE')
    await kms.keys.update({ key: 'k', deletionProtection: false })
    expect((await kms.keys.scheduleDeletion({ key: 'k' })).state).toBe('PendingDeletion')
  })

  test.each([
    [-1, 'INVALID_KEY_STATE'],
    [0, 'ok'],
    [1, 'ok'],
  ])(
    'C50 of a key that was used lately is refused where a policy says so, %d ms from its time: %s',
    async (off, outcome) => {
      const { kms, clock } = await makeWorld()
      await kms.keys.create({ name: 'k', spec: 'AES_256', deletionUnusedDays: 14 })
      await kms.encrypt({ key: 'k', plaintext: 'x' })
      clock.advance(14 * day + off)
      await kms.keys.get({ key: 'k' })
      await kms.keys.update({ key: 'k', description: 'this is no use' })
      await expectCode(kms.as('app').encrypt({ key: 'k', plaintext: 'nor is this' }), 'ACCESS_DENIED')
      expect(await outcomeOf(kms.keys.scheduleDeletion({ key: 'k' }))).toBe(outcome)
    },
  )

  test('C50 a many-verb of which some items fail is a use: deletion is refused for it as well', async () => {
    const { kms, clock } = await makeWorld()
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256', deletionUnusedDays: 14 })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    clock.advance(100 * day)
    const context = { not: 'its own' }
    const { items } = await kms.decryptMany({ items: [{ ciphertext }, { ciphertext, context }] })
    expect(items.map(({ ok }) => ok)).toEqual([true, false])
    const lastUsedAt = new Date(clock.now())
    clock.advance(day)
    await kms.decryptMany({ items: [{ ciphertext, context }] })
    await expectCode(kms.keys.scheduleDeletion({ key: 'k' }), 'INVALID_KEY_STATE')
    expect((await kms.ops.usage({ key: 'k' })).lastUsedAt).toEqual(lastUsedAt)
    expect((await kms.ops.unusedKeys()).items.map(({ keyId }) => keyId)).not.toContain(id)
  })

  test('C50 of a key whose uses may have been pruned is refused rather than guessed', async () => {
    const anchors: AuditAnchor[] = [{ name: 'kept', everyMs: 365 * day, publish: async () => undefined }]
    const { kms, clock } = await makeWorld({ anchors })
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256', deletionUnusedDays: 14 })
    clock.advance(100 * day)
    await kms.encrypt({ key: 'k', plaintext: 'x' })
    const used = clock.now()
    clock.advance(day)
    await kms.keys.create({ name: 'later', spec: 'AES_256', deletionUnusedDays: 14 })
    const { size } = await kms.audit.checkpoint()
    await kms.audit.anchor()
    await kms.audit.prune({ upTo: size - 1 })
    await until(async () => (await kms.ops.usage({ key: 'k' })).lastUsedAt === undefined)
    const unused = async (unusedDays: number): Promise<string[]> =>
      (await kms.ops.unusedKeys({ unusedDays })).items.map(({ keyId }) => keyId)
    clock.advance(13 * day - 1)
    await expectCode(kms.keys.scheduleDeletion({ key: 'k' }), 'INVALID_KEY_STATE')
    expect(await unused(14)).toEqual([])
    clock.advance(day + 1)
    expect(clock.now()).toBe(used + 15 * day)
    expect(await unused(14)).toContain(id)
    expect(await kms.keys.scheduleDeletion({ key: 'k' })).toMatchObject({ lastUsedAt: undefined })
    expect(await kms.keys.scheduleDeletion({ key: 'later' })).toMatchObject({ lastUsedAt: undefined })
  })

  test('C50 says when the key was last used', async () => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    clock.advance(day)
    await kms.decryptMany({ items: [{ ciphertext }] })
    const lastUsedAt = new Date(clock.now())
    clock.advance(day)
    expect(await kms.keys.scheduleDeletion({ key: 'k' })).toMatchObject({ lastUsedAt })
    await kms.keys.create({ name: 'unused', spec: 'AES_256' })
    expect((await kms.keys.scheduleDeletion({ key: 'unused' })).lastUsedAt).toBeUndefined()
  })

  test('C50 of a key about which there is too much to read is refused rather than guessed', async () => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', deletionUnusedDays: 14 })
    clock.advance(30 * day)
    const attempts = Array.from({ length: 2000 }, async () =>
      outcomeOf(kms.as('app').encrypt({ key: 'k', plaintext: 'x' })),
    )
    await Promise.all(attempts)
    await expectCode(kms.keys.scheduleDeletion({ key: 'k' }), 'INVALID_KEY_STATE')
    clock.advance(14 * day)
    const { lastUsedAt } = await kms.keys.scheduleDeletion({ key: 'k' })
    expect(lastUsedAt).toBeUndefined()
  })
})
