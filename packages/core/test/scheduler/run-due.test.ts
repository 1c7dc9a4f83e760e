import { describe, expect, test } from 'vitest'
import { day, makeWorld, recordsOf, type World } from '../support/kms.ts'

/** What the scheduler recorded while some work ran: its actions, claims apart. */
async function told(world: World, work: () => Promise<unknown>): Promise<unknown[]> {
  const records = await recordsOf(world, work)
  return records
    .filter(({ actor, action }) => actor === 'scheduler' && action !== 'claimDue')
    .map(({ action, status, details }) => [action, status, details?.['why']])
}

const around = [
  [-1, 0],
  [0, 1],
  [1, 1],
] as const

describe('what is due is done', () => {
  test.each(around)('S0-43 C48 a rotation, %d ms from its time: %d', async (offset, count) => {
    const world = await makeWorld()
    const { kms, clock } = world
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256', rotationPeriodDays: 30 })
    clock.advance(30 * day + offset)
    const records = await told(world, async () => {
      const { done } = await kms.scheduler.runDue()
      expect(done).toEqual(Array.from({ length: count }, () => ({ job: 'rotate', keyId: id, version: undefined })))
    })
    expect(records).toEqual(Array.from({ length: count }, () => ['rotateKey', 'SUCCESS', 'rotationPeriodDays']))
    expect((await kms.keys.get({ key: 'k' })).currentVersion).toBe(1 + count)
  })

  test('S0-43 a rotation is on record as any other, by the actor scheduler', async () => {
    const world = await makeWorld()
    const { kms, clock } = world
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256', rotationPeriodDays: 1, owner: 'shop' })
    clock.advance(day)
    const records = await recordsOf(world, async () => kms.scheduler.runDue())
    expect(records.map(({ action }) => action)).toEqual(['claimDue', 'rotateKey'])
    expect(records[1]).toMatchObject({
      actor: 'scheduler',
      role: 'admin',
      status: 'SUCCESS',
      keyId: id,
      keyVersion: 2,
      owner: 'shop',
    })
    expect(records[1]?.change?.rows.map(({ table }) => table)).toEqual(['versions', 'versions', 'keys', 'due'])
  })

  test('a version whose grace ends when its key is destroyed ends first, and nothing fails', async () => {
    const world = await makeWorld()
    const { kms, clock } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 7, afterGrace: 'revoke' })
    await kms.keys.rotate({ key: 'k' })
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
    clock.advance(7 * day)
    const records = await told(world, async () => {
      const { done, failed } = await kms.scheduler.runDue()
      expect([done.map(({ job }) => job), failed]).toEqual([['revoke', 'destroy'], []])
    })
    expect(records.map((record) => (record as string[]).slice(0, 2))).toEqual([
      ['revokeKey', 'SUCCESS'],
      ['destroyKey', 'SUCCESS'],
    ])
  })

  test('rotations follow each other, each a period after the last', async () => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', rotationPeriodDays: 30 })
    clock.advance(100 * day)
    expect((await kms.scheduler.runDue()).done).toHaveLength(1)
    expect((await kms.scheduler.runDue()).done).toHaveLength(0)
    clock.advance(10 * day)
    await kms.keys.rotate({ key: 'k' })
    clock.advance(29 * day)
    expect((await kms.scheduler.runDue()).done).toHaveLength(0)
    clock.advance(day)
    expect((await kms.scheduler.runDue()).done).toHaveLength(1)
    expect((await kms.keys.get({ key: 'k' })).currentVersion).toBe(4)
  })

  test.each(around)('S0-46 C48 the end of a grace period, %d ms from it: %d', async (offset, count) => {
    const world = await makeWorld()
    const { kms, clock } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 7 })
    await kms.keys.rotate({ key: 'k' })
    clock.advance(7 * day + offset)
    const records = await told(world, async () => kms.scheduler.runDue())
    expect(records).toEqual(Array.from({ length: count }, () => ['disableKey', 'SUCCESS', 'gracePeriodDays']))
    const [version] = (await kms.keys.listVersions({ key: 'k' })).items
    expect(version?.state).toBe(count === 1 ? 'disabled' : 'retired')
    expect((await kms.keys.get({ key: 'k' })).state).toBe('Enabled')
  })

  test('S0-46 the end of a grace period revokes where the policy says so, and only there', async () => {
    const world = await makeWorld()
    const { kms, clock } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 7, afterGrace: 'revoke' })
    await kms.keys.rotate({ key: 'k' })
    clock.advance(7 * day)
    const records = await told(world, async () => kms.scheduler.runDue())
    expect(records).toEqual([['revokeKey', 'SUCCESS', 'gracePeriodDays']])
    expect((await kms.keys.listVersions({ key: 'k' })).items[0]).toMatchObject({
      state: 'revoked',
      stateChangedBy: 'scheduler',
      stateReason: 'gracePeriodDays',
    })
  })

  test('the end of a grace period comes to a version again that was enabled after it, and never to one that was revoked', async () => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256', gracePeriodDays: 7 })
    await kms.keys.rotate({ key: 'k' })
    await kms.keys.disable({ key: 'k', version: 1 })
    clock.advance(8 * day)
    expect((await kms.scheduler.runDue()).done).toEqual([])
    await kms.keys.enable({ key: 'k', version: 1 })
    expect((await kms.scheduler.runDue()).done).toMatchObject([{ job: 'disable', version: 1 }])
    await kms.keys.rotate({ key: 'k' })
    await kms.keys.revoke({ key: 'k', version: 2, reason: 'leaked' })
    clock.advance(8 * day)
    expect((await kms.scheduler.runDue()).done).toEqual([])
  })

  test.each(around)('C48 the end of validUntil, %d ms from it: %d', async (offset, count) => {
    const world = await makeWorld()
    const { kms, clock } = world
    const validUntil = new Date(clock.now() + 30 * day)
    await kms.keys.create({ name: 'k', spec: 'AES_256', validUntil, rotationPeriodDays: 30 })
    clock.advance(30 * day + offset)
    const records = await told(world, async () => {
      await kms.scheduler.runDue()
      await kms.scheduler.runDue()
    })
    expect(records).toEqual(Array.from({ length: count }, () => ['expireKey', 'SUCCESS', 'validUntil']))
    expect((await kms.keys.get({ key: 'k' })).state).toBe(count === 1 ? 'Disabled' : 'Enabled')
  })

  test('S1-04 S1-05 S1-06 the life of a device key: it expires, is retained, and is then deleted', async () => {
    const world = await makeWorld()
    const { kms, clock, db } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256', expiresAfterDays: 30, retainAfterExpiryDays: 90 })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    const at: [number, unknown][] = []
    for (let passed = 1; passed <= 200; passed++) {
      clock.advance(day)
      const records = await told(world, async () => kms.scheduler.runDue())
      if (records.length > 0) at.push([passed, records])
      if (passed === 100) await kms.decrypt({ ciphertext })
    }
    expect(at).toEqual([
      [30, [['expireVersion', 'SUCCESS', 'expiresAfterDays']]],
      [120, [['scheduleKeyDeletion', 'SUCCESS', 'retainAfterExpiryDays']]],
      [150, [['destroyKey', 'SUCCESS', 'its deletion is due']]],
    ])
    expect((await kms.keys.get({ key: 'k' })).state).toBe('Destroyed')
    expect((await db.rows('versions')).map(({ material }) => material)).toEqual([null])
    expect(await db.rows('due')).toEqual([])
  })

  test('S1-06 a device key that is rotated lives on: only what has expired is told of', async () => {
    const world = await makeWorld()
    const { kms, clock } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256', expiresAfterDays: 30, retainAfterExpiryDays: 90 })
    for (let passed = 1; passed <= 300; passed++) {
      clock.advance(day)
      const records = await told(world, async () => kms.scheduler.runDue())
      expect(records).toEqual(passed % 35 === 30 ? [['expireVersion', 'SUCCESS', 'expiresAfterDays']] : [])
      if (passed % 35 === 0) await kms.keys.rotate({ key: 'k' })
    }
  })

  test('a protected key is never cleaned up', async () => {
    const { kms, clock } = await makeWorld()
    const policies = { expiresAfterDays: 1, retainAfterExpiryDays: 1, deletionProtection: true }
    await kms.keys.create({ name: 'k', spec: 'AES_256', ...policies })
    clock.advance(100 * day)
    expect((await kms.scheduler.runDue()).done.map(({ job }) => job)).toEqual(['expireVersion'])
    expect((await kms.scheduler.runDue()).done).toEqual([])
    await kms.keys.update({ key: 'k', deletionProtection: null })
    expect((await kms.scheduler.runDue()).done.map(({ job }) => job)).toEqual(['cleanUp'])
  })
})
