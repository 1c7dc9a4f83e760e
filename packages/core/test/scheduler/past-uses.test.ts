import { describe, expect, test } from 'vitest'
import { day, makeWorld, recordsOf, type World } from '../support/kms.ts'

const hour = 3_600_000

/** A world in which many principals were counted, each once. */
async function counted(principals: number): Promise<World> {
  const world = await makeWorld()
  await world.kms.quotas.set({ operation: 'generateRandom', per: 'principal', limit: 5, windowSeconds: 3600 })
  for (let at = 0; at < principals; at++)
    await world.kms.as({ id: `p${at}`, role: 'admin' }).generateRandom({ numberOfBytes: 1 })
  return world
}

async function left({ db }: World): Promise<number> {
  return (await db.rows('quota_uses')).length
}

describe('what a quota has counted', () => {
  test.each([
    ['is kept 1 ms before a day after it left the window', -1, 3],
    ['goes a day after it left the window', 0, 0],
    ['goes 1 ms later', 1, 0],
  ])('C48 %s', async (_, ms, rows) => {
    const world = await counted(3)
    world.clock.advance(hour + day + ms)
    await world.kms.scheduler.runDue()
    expect(await left(world)).toBe(rows)
    expect(await world.kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('goes a hundred at a time, in one record each, and what counts stays', async () => {
    const world = await counted(230)
    const { kms, clock } = world
    clock.advance(hour + day)
    await kms.as({ id: 'p7', role: 'admin' }).generateRandom({ numberOfBytes: 1 })
    const records = await recordsOf(world, async () => kms.scheduler.runDue())
    expect(records.map(({ action, actor }) => [action, actor])).toEqual([['forgetPastUses', 'scheduler']])
    await kms.scheduler.runDue()
    await kms.scheduler.runDue()
    expect((await world.db.rows('quota_uses')).map(({ subject }) => subject)).toEqual(['p7'])
    expect(await recordsOf(world, async () => kms.scheduler.runDue())).toEqual([])
    const revision = records[0]?.change
    expect(revision).toBeUndefined()
    expect(await (await world.again()).audit.verify()).toMatchObject({ ok: true })
  })

  test('of a quota that is no more stays for as long as another one of its name could count it', async () => {
    const world = await counted(1)
    const { kms, clock } = world
    await kms.quotas.remove({ operation: 'generateRandom' })
    clock.advance(365 * day)
    await kms.scheduler.runDue()
    expect(await left(world)).toBe(1)
    clock.advance(2 * day)
    await kms.scheduler.runDue()
    expect(await left(world)).toBe(0)
  })

  test('C49 is not forgotten while the clock is in doubt', async () => {
    const world = await counted(1)
    world.clock.set(world.clock.now() + 3 * day)
    await world.kms.scheduler.runDue()
    expect(await left(world)).toBe(1)
    world.clock.advance(hour)
    await world.kms.scheduler.runDue()
    expect(await left(world)).toBe(0)
  })

  test('F97 and nobody could have counted is left, and holds up nothing that is due', async () => {
    const world = await counted(2)
    await world.kms.keys.create({ name: 'k', spec: 'AES_256', rotationPeriodDays: 1 })
    await world.db.plant('quota_uses', ({ subject }) => subject === 'p0', { times: '[1]' })
    world.clock.advance(3 * day)
    const { done } = await (await world.again()).scheduler.runDue()
    expect(done).toMatchObject([{ job: 'rotate' }])
    expect(await left(world)).toBe(1)
  })
})
