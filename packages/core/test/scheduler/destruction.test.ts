import { describe, expect, test } from 'vitest'
import { day, expectCode, makeWorld, recordsOf } from '../support/kms.ts'

const no = 'INVALID_KEY_STATE'
const around = [
  [-1, 0],
  [0, 1],
  [1, 1],
] as const

describe('a deletion that is due', () => {
  test.each(around)('C44 C50 is done %d ms from its time: %d', async (offset, count) => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7, reason: 'unused' })
    clock.advance(7 * day + offset)
    expect((await kms.scheduler.runDue()).done).toHaveLength(count)
    expect((await kms.keys.get({ key: 'k' })).state).toBe(count === 1 ? 'Destroyed' : 'PendingDeletion')
    await expectCode(kms.decrypt({ ciphertext }), no)
  })

  test('C44 leaves a tombstone that nothing brings to life, under its name', async () => {
    const { kms, clock, again } = await makeWorld()
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'shop', description: 'for orders' })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    await kms.keys.rotate({ key: 'k' })
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
    clock.advance(7 * day)
    await kms.scheduler.runDue()
    const other = await again()
    const tombstone = await other.keys.get({ key: 'k' })
    expect(tombstone).toMatchObject({ id, name: 'k', owner: 'shop', description: 'for orders', state: 'Destroyed' })
    const attempts = [
      other.keys.enable({ key: 'k' }),
      other.keys.disable({ key: 'k' }),
      other.keys.revoke({ key: 'k', reason: 'r' }),
      other.keys.rotate({ key: 'k' }),
      other.keys.update({ key: 'k', owner: 'else' }),
      other.keys.trim({ key: 'k' }),
      other.keys.scheduleDeletion({ key: 'k' }),
      other.keys.cancelDeletion({ key: 'k' }),
      other.keys.enable({ key: 'k', version: 1 }),
      other.aliases.create({ alias: 'a', key: 'k' }),
      other.grants.create({ principal: 'p', key: 'k', operations: ['encrypt'] }),
      other.encrypt({ key: 'k', plaintext: 'x' }),
      other.decrypt({ ciphertext }),
      other.decrypt({ ciphertext, allowRevoked: true, reason: 'r' }),
      kms.decrypt({ ciphertext }),
    ]
    for (const attempt of attempts) await expectCode(attempt, no)
    await expectCode(other.keys.create({ name: 'k', spec: 'AES_256' }), 'NAME_TAKEN')
    expect((await other.keys.listVersions({ key: 'k' })).items.map(({ state }) => state)).toEqual([
      'destroyed',
      'destroyed',
    ])
  })

  test('takes the material of every version, however many, in several changes of which each is on record', async () => {
    const world = await makeWorld()
    const { kms, clock, db } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 365 })
    for (let version = 2; version <= 60; version++) await kms.keys.rotate({ key: 'k' })
    await kms.keys.disable({ key: 'k', version: 3 })
    await kms.keys.revoke({ key: 'k', version: 4, reason: 'leaked' })
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
    clock.advance(7 * day)
    const records = await recordsOf(world, async () => kms.scheduler.runDue())
    const deeds = records.filter(({ action }) => action === 'destroyKey')
    expect(deeds.map(({ details }) => details?.['destroyed'])).toEqual([24, 24, 12])
    expect((await db.rows('versions')).every(({ material, state }) => material === null && state === 'destroyed')).toBe(
      true,
    )
    expect(await db.rows('due')).toEqual([])
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('C45 called off in the instant in which it is due, it is done: a millisecond before, it is not', async () => {
    for (const [offset, state] of [
      [-1, 'Disabled'],
      [0, 'Destroyed'],
    ] as const) {
      const { kms, clock, again } = await makeWorld()
      const other = await again()
      await kms.keys.create({ name: 'k', spec: 'AES_256' })
      await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
      clock.advance(7 * day + offset)
      const both = [kms.scheduler.runDue(), other.keys.cancelDeletion({ key: 'k' })]
      const [, cancelled] = await Promise.allSettled(both)
      expect(cancelled?.status).toBe(offset < 0 ? 'fulfilled' : 'rejected')
      expect((await kms.keys.get({ key: 'k' })).state).toBe(state)
    }
  })

  test('C45 called off between its claim and its deed, it is not done', async () => {
    const { kms, clock, db } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
    clock.advance(7 * day)
    // A process whose clock is behind calls it off.
    const running = kms.scheduler.runDue()
    clock.set(clock.now() - day)
    const cancelled = kms.keys.cancelDeletion({ key: 'k' })
    await Promise.allSettled([running, cancelled])
    const [key] = await db.rows('keys')
    const [version] = await db.rows('versions')
    expect(key?.['state'] === 'Destroyed').toBe(version?.['material'] === null)
  })

  test.each([
    ['its due date put back', (now: number) => ({ deletionDueAt: now })],
    ['its scheduling put back', (now: number) => ({ deletionDueAt: now, stateChangedAt: now - 40 * day })],
  ])('C50 T13 with %s by somebody who writes to the database destroys nothing', async (_, columns) => {
    const { kms, clock, db, again } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 30 })
    clock.advance(2 * day)
    await db.plant('keys', () => true, columns(clock.now()))
    await db.plant('due', () => true, { wakeAt: clock.now() })
    const other = await again()
    const { failed } = await other.scheduler.runDue()
    expect(failed).toMatchObject([{ job: 'destroy', error: { code: 'STORAGE_TAMPERED' } }])
    expect((await db.rows('versions'))[0]?.['material']).not.toBeNull()
  })
})
