import { describe, expect, test, vi } from 'vitest'
import type { AuditAnchor, DueReport, ScheduleOptions } from '../../src/index.ts'
import { day, expectCode, makeWorld, recordsOf } from '../support/kms.ts'
import { hour, minute, pass } from '../support/passing.ts'

describe('a scheduler that was started', () => {
  test('S0-43 does what is due every hour, and nothing in between', async () => {
    const world = await makeWorld()
    const { kms, clock } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256', rotationPeriodDays: 1 })
    const reports: [number, DueReport][] = []
    const start = clock.now()
    await kms.scheduler.start({ onRun: (report) => reports.push([clock.now() - start, report]) })
    await pass(world, 25 * hour + minute)
    expect(reports.map(([at]) => at)).toEqual(Array.from({ length: 25 }, (_, at) => (at + 1) * hour))
    expect(reports.map(([, { done }]) => done.length)).toEqual([...Array.from({ length: 23 }, () => 0), 1, 0])
    expect((await kms.keys.get({ key: 'k' })).currentVersion).toBe(2)
  })

  test('S0-43 does all that is due at its time, however much it is', async () => {
    const world = await makeWorld()
    const { kms } = world
    const policy = { spec: 'AES_256', expiresAfterDays: 1 } as const
    await Promise.all(Array.from({ length: 1010 }, async (_, at) => kms.keys.create({ name: `k${at}`, ...policy })))
    world.clock.advance(day - hour)
    const reports: DueReport[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const onRun = (report: DueReport): void => {
      if (reports.push(report) === 2) resolve()
    }
    await kms.scheduler.start({ onRun })
    await pass(world, hour)
    await promise
    expect(reports.map(({ done, more }) => [done.length, more])).toEqual([
      [1000, true],
      [10, false],
    ])
  })

  test('C56 runs once after a sleep over many of its times', async () => {
    const world = await makeWorld()
    const { kms, clock } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256', rotationPeriodDays: 1 })
    const onRun = vi.fn<(report: DueReport) => void>()
    await kms.scheduler.start({ onRun })
    clock.set(clock.now() + 10 * day)
    await pass(world, 2 * minute)
    expect(onRun).toHaveBeenCalledTimes(1)
    expect(onRun.mock.calls[0]?.[0]).toMatchObject({ done: [{ job: 'rotate' }] })
  })

  test('C49 goes on hour by hour when the clock was set back', async () => {
    const world = await makeWorld()
    const { kms, clock } = world
    const onRun = vi.fn<(report: DueReport) => void>()
    await kms.scheduler.start({ onRun })
    await pass(world, hour)
    clock.set(clock.now() - day)
    await pass(world, 2 * hour)
    expect(onRun).toHaveBeenCalledTimes(3)
  })

  test('ends when it is stopped, and when the KMS is closed', async () => {
    const world = await makeWorld()
    const onRun = vi.fn<(report: DueReport) => void>()
    await world.kms.scheduler.start({ onRun })
    await pass(world, hour)
    await world.kms.scheduler.stop()
    await pass(world, 2 * hour)
    expect(onRun).toHaveBeenCalledTimes(1)
    await world.kms.scheduler.start({ onRun })
    await world.kms.close()
    await pass(world, 2 * hour)
    expect(onRun).toHaveBeenCalledTimes(1)
    await world.kms.scheduler.stop()
  })

  test('is started once', async () => {
    const { kms } = await makeWorld()
    await kms.scheduler.start()
    await expectCode(kms.scheduler.start(), 'CONFLICT')
    await kms.scheduler.stop()
    await kms.scheduler.start()
  })

  test('tells of a run that could not be done, and comes again', async () => {
    const world = await makeWorld()
    const { kms } = world
    await kms.principals.deactivate({ principal: 'scheduler' })
    const told: unknown[] = []
    const onError = (error: unknown, job: string): void => {
      told.push([job, Reflect.get(error as object, 'code')])
      throw new Error('nobody hears this')
    }
    await kms.scheduler.start({ onError })
    await pass(world, 2 * hour)
    expect(told).toEqual([
      ['due', 'ACCESS_DENIED'],
      ['due', 'ACCESS_DENIED'],
    ])
  })

  test('S0-42 verifies the audit log at its times, in one of the processes, and says when it does not verify', async () => {
    const world = await makeWorld()
    const { kms, db } = world
    const other = await world.again()
    const onError = vi.fn<(error: unknown, job: string) => void>()
    const options = { verifyCron: '30 3 * * *', onError }
    await Promise.all([kms.scheduler.start(options), other.scheduler.start(options)])
    const records = await recordsOf(world, async () => pass(world, 2 * day))
    const verifications = records.filter(({ action }) => action === 'verifyAudit')
    expect(verifications.map(({ actor, details }) => [actor, details?.['ok']])).toEqual([
      ['scheduler', true],
      ['scheduler', true],
    ])
    expect(onError).not.toHaveBeenCalled()
    const [first] = await db.rows('records')
    await db.add('records', { ...first, seq: 1_000_000, writerSeq: 1_000_000 })
    await pass(world, day)
    expect(onError).toHaveBeenCalledTimes(1)
    expect(onError.mock.calls[0]).toMatchObject([{ code: 'CONFLICT' }, 'verify'])
    const last = (await db.records()).findLast(({ action }) => action === 'verifyAudit')
    expect(last).toMatchObject({ actor: 'scheduler', status: 'FAILURE', code: 'CONFLICT', details: { ok: false } })
    expect(last?.reason).toContain('record')
    expect((await kms.ops.health()).reasons.map(({ about }) => about)).toContain('verification')
  })

  test('brings the log to its anchors at their times, in one of the processes, and says which of them fail', async () => {
    const kept: number[] = []
    let fails = false
    const anchor: AuditAnchor = {
      name: 'shelf',
      everyMs: 365 * day,
      publish: async ({ size }) => {
        if (fails) throw new Error('no room')
        kept.push(size)
        return undefined
      },
    }
    const world = await makeWorld({ anchors: [anchor] })
    const { kms } = world
    const other = await world.again({ anchors: [anchor] })
    const onError = vi.fn<(error: unknown, job: string) => void>()
    const options = { anchorCron: '0 */6 * * *', onError }
    await Promise.all([kms.scheduler.start(options), other.scheduler.start(options)])
    kept.length = 0
    const records = await recordsOf(world, async () => pass(world, day))
    const anchored = records.filter(({ action }) => action === 'anchorAudit')
    expect(anchored.map(({ actor, status, details }) => [actor, status, details])).toEqual(
      Array.from({ length: 4 }, () => ['scheduler', 'SUCCESS', { anchors: 1, failed: 0 }]),
    )
    // Besides, each process offers its first checkpoint by itself.
    expect(kept.length).toBeGreaterThanOrEqual(4)
    expect(kept.at(-1)).toBe(Math.max(...kept))
    expect(onError).not.toHaveBeenCalled()
    fails = true
    const failing = await recordsOf(world, async () => pass(world, 6 * hour))
    expect(onError.mock.calls).toMatchObject([[{ code: 'CONFLICT' }, 'anchor']])
    expect(failing.find(({ action }) => action === 'anchorAudit')).toMatchObject({
      actor: 'scheduler',
      status: 'FAILURE',
      reason: 'not kept by shelf (failing)',
      details: { anchors: 1, failed: 1 },
    })
  })

  test('C56 does a job of the host once at each of its times, in whichever process, and is told to stop', async () => {
    const world = await makeWorld()
    const processes = [world.kms, await world.again(), await world.again()]
    const ran: [number, AbortSignal][] = []
    const run = (at: number) => (signal: AbortSignal) => void ran.push([at, signal])
    for (const [at, each] of processes.entries()) {
      await each.scheduler.start({ jobs: [{ name: 'report', cron: '*/10 * * * *', run: run(at) }] })
    }
    await pass(world, hour)
    expect(ran).toHaveLength(6)
    await processes[ran.at(-1)![0]]?.scheduler.stop()
    expect(ran.at(-1)?.[1].aborted).toBe(true)
  })

  test('C56 a job that fails fails alone', async () => {
    const world = await makeWorld()
    const onError = vi.fn<(error: unknown, job: string) => void>()
    const onRun = vi.fn<(report: DueReport) => void>()
    const failing = async (): Promise<never> => Promise.reject(new Error('no'))
    await world.kms.scheduler.start({ jobs: [{ name: 'bad', cron: '0 * * * *', run: failing }], onError, onRun })
    await pass(world, 2 * hour)
    expect(onError.mock.calls.map(([, job]) => job)).toEqual(['bad', 'bad'])
    expect(onRun).toHaveBeenCalledTimes(2)
  })

  test.each([
    { cron: 'never' },
    { timezone: 'Mars/Phobos' },
    { verifyCron: '0 0 31 2 *' },
    { anchorCron: '0 0 31 2 *' },
    { jobs: [{ name: 'anchor', cron: '0 * * * *', run: () => undefined }] },
    { jobs: {} },
    { jobs: [null] },
    { jobs: [{ name: 'x', cron: '0 * * * *' }] },
    { jobs: [{ name: 'x y', cron: '0 * * * *', run: () => undefined }] },
    { jobs: [{ name: 'verify', cron: '0 * * * *', run: () => undefined }] },
    { jobs: [{ name: 'x', cron: 'x', run: () => undefined }] },
    { onRun: 1 },
    null,
  ])('is not started with %j', async (options) => {
    const { kms } = await makeWorld()
    await expectCode(kms.scheduler.start(options as unknown as ScheduleOptions), 'INVALID_REQUEST')
    await kms.scheduler.start()
  })
})

test('a scheduler does not keep its process alive', async () => {
  const { systemTimers } = await import('../../src/internal/defaults.ts')
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const cancel = systemTimers.inBackground?.(hour, () => undefined)
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before)
  cancel?.()
})
