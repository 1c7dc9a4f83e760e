import { describe, expect, test, vi } from 'vitest'
import { day, expectCode, makeWorld, type World } from '../support/kms.ts'
import { hour, minute, pass } from '../support/passing.ts'

describe('a scheduler', () => {
  test.each([
    ['stopped', async ({ kms }: World) => kms.scheduler.stop()],
    ['closed', async ({ kms }: World) => kms.close()],
  ])('that is %s while it starts does nothing', async (_, end) => {
    const world = await makeWorld()
    const ran = vi.fn<() => void>()
    const jobs = [{ name: 'job', cron: '* * * * *', run: ran }]
    const starting = world.kms.scheduler.start({ jobs, onRun: ran, onError: ran })
    await end(world)
    await starting
    await pass(world, 2 * hour)
    expect(ran).not.toHaveBeenCalled()
  })

  test('of another tenant ends with the KMS that opened the storage', async () => {
    const world = await makeWorld()
    const other = await world.kms.tenants.ensure('other')
    const ran = vi.fn<() => void>()
    const told = vi.fn<() => void>()
    await other.scheduler.start({ jobs: [{ name: 'job', cron: '* * * * *', run: ran }], onError: told })
    await pass(world, 2 * minute)
    expect(ran).toHaveBeenCalledTimes(2)
    await world.kms.close()
    await pass(world, hour)
    expect(ran).toHaveBeenCalledTimes(2)
    expect(told).not.toHaveBeenCalled()
  })

  test('is not started on a KMS that was closed', async () => {
    const { kms } = await makeWorld()
    await kms.close()
    await expectCode(kms.scheduler.start(), 'CLOSED')
  })

  test('C49 C56 goes on with a job that a clock far ahead has taken over, and with no other one', async () => {
    const world = await makeWorld()
    const { kms, clock } = world
    const ran: number[] = []
    const run = (): void => void ran.push(clock.now())
    await kms.scheduler.start({ jobs: [{ name: 'report', cron: '*/10 * * * *', run }] })
    const start = clock.now()
    await pass(world, hour)
    clock.set(start + 400 * day)
    await pass(world, minute)
    expect(ran).toHaveLength(7)
    clock.set(start + hour)
    await pass(world, hour)
    expect(ran).toHaveLength(13)
    // Set back by less than a day, nothing of it is done again.
    clock.set(start + hour)
    await pass(world, hour)
    expect(ran).toHaveLength(13)
    await pass(world, hour)
    expect(ran).toHaveLength(19)
  })
})
