import { describe, expect, test } from 'vitest'
import { day, makeWorld, recordsOf } from '../support/kms.ts'

describe('a wall clock that steps', () => {
  test.each([
    ['forward', 3 * day],
    ['back', -day],
  ])('C49 T13 %s: what cannot be undone waits for an hour, the rest does not', async (_, stepMs) => {
    const world = await makeWorld()
    const { kms, clock } = world
    await kms.keys.create({ name: 'dying', spec: 'AES_256' })
    await kms.keys.create({ name: 'turning', spec: 'AES_256', rotationPeriodDays: 1 })
    await kms.keys.create({ name: 'old', spec: 'AES_256', gracePeriodDays: 1, afterGrace: 'revoke' })
    await kms.keys.rotate({ key: 'old' })
    await kms.keys.scheduleDeletion({ key: 'dying', pendingWindowInDays: 7 })
    clock.advance(9 * day)
    clock.set(clock.now() + stepMs)
    const records = await recordsOf(world, async () => {
      const { done, held } = await kms.scheduler.runDue()
      expect(done.map(({ job }) => job)).toEqual(['rotate'])
      expect(held).toBe(2)
    })
    expect(records[0]).toMatchObject({ action: 'doubtClock', actor: 'scheduler', details: { stepMs } })
    clock.advance(3_600_000 - 1)
    expect(await kms.scheduler.runDue()).toMatchObject({ done: [], held: 2 })
    clock.advance(1)
    const { done, held } = await kms.scheduler.runDue()
    expect(done.map(({ job }) => job).toSorted()).toEqual(['destroy', 'revoke'])
    expect(held).toBe(0)
  })

  test.each([60_000, -60_000])('C49 that is led to the right time by little is trusted: %d ms', async (ms) => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.keys.scheduleDeletion({ key: 'k', pendingWindowInDays: 7 })
    clock.advance(8 * day)
    clock.set(clock.now() + ms)
    expect(await kms.scheduler.runDue()).toMatchObject({ done: { length: 1 }, held: 0 })
  })

  test('C49 what waits is in nobody else’s way, however much it is', async () => {
    const { kms, clock } = await makeWorld()
    for (let at = 0; at < 40; at++) {
      await kms.keys.create({ name: `k${at}`, spec: 'AES_256' })
      await kms.keys.scheduleDeletion({ key: `k${at}`, pendingWindowInDays: 7 })
    }
    await kms.keys.create({ name: 'turning', spec: 'AES_256', rotationPeriodDays: 8 })
    clock.advance(8 * day)
    clock.set(clock.now() + day)
    expect(await kms.scheduler.runDue()).toMatchObject({ done: [{ job: 'rotate' }], held: 40, more: false })
  })

  test('C49 T13 in the middle of a run: what only the set clock makes due is held, too', async () => {
    const world = await makeWorld()
    const { kms, clock } = world
    for (let at = 0; at < 40; at++) {
      await kms.keys.create({ name: `k${at}`, spec: 'AES_256', rotationPeriodDays: 1 })
    }
    await kms.keys.create({ name: 'dying', spec: 'AES_256' })
    await kms.keys.scheduleDeletion({ key: 'dying', pendingWindowInDays: 7 })
    clock.advance(2 * day)
    let hasStepped = false
    kms.on('rotation', () => {
      if (!hasStepped) clock.set(clock.now() + 30 * day)
      hasStepped = true
    })
    const { held } = await kms.scheduler.runDue()
    expect([hasStepped, held]).toEqual([true, 1])
    expect((await kms.keys.get({ key: 'dying' })).state).toBe('PendingDeletion')
  })
})
