import { describe, expect, test } from 'vitest'
import { day, makeGate } from '../support/kms.ts'
import { hour, house, jobRecords, leaseMs, pass, settled, started } from '../support/jobs.ts'

describe('a process that dies while it does a job', () => {
  test.each([
    ['not 1 ms before', -1, 0],
    ['when it ends', 0, 1],
    ['1 ms after', 1, 1],
  ])('C56 is followed by one other, %s the end of its lease', async (_, ms, count) => {
    const world = await house()
    const gate = makeGate()
    const dying = await started(world, { hook: gate.hook })
    await pass(world, hour)
    expect(dying.began).toHaveLength(1)
    gate.shut()
    const others = [await started(world), await started(world)]
    await pass(world, leaseMs + ms)
    const began = others.flatMap((other) => other.began)
    expect(began).toHaveLength(count)
    for (const other of others) await other.end()
    await pass(world, 5 * leaseMs)
    expect(others.flatMap((other) => other.began)).toHaveLength(1)
  })

  test('C56 and the moment is done as the one that it was, however late', async () => {
    const world = await house()
    const gate = makeGate()
    await started(world, { hook: gate.hook })
    await pass(world, hour)
    const moment = new Date(world.clock.now()).toISOString()
    gate.shut()
    world.clock.set(world.clock.now() + 20 * 60_000)
    const next = await started(world)
    expect(next.began).toHaveLength(1)
    await next.end()
    expect(await jobRecords(world)).toEqual([
      ['claimJob', 'SUCCESS', moment],
      ['claimJob', 'SUCCESS', moment],
      ['finishJob', 'SUCCESS', true],
    ])
    expect(await world.kms.audit.verify()).toMatchObject({ ok: true })
    expect((await world.db.rows('jobs')).map(({ name }) => name)).toEqual(['report'])
  })

  test('C56 is fenced off when it was not dead at all: told to stop, and nothing of it counts', async () => {
    const world = await house()
    const gate = makeGate()
    const slow = await started(world, { hook: gate.hook })
    await pass(world, hour)
    gate.shut()
    const other = await started(world)
    await pass(world, leaseMs)
    expect(other.began).toHaveLength(1)
    gate.open()
    await settled()
    expect(slow.began[0]?.signal.aborted).toBe(true)
    expect(slow.told).toEqual(['CONFLICT'])
    await other.end()
    expect(other.told).toEqual([])
    const records = await jobRecords(world)
    expect(records.filter((record) => String(record).startsWith('finishJob,SUCCESS'))).toHaveLength(1)
    expect(records.filter((record) => String(record).includes('FAILURE')).length).toBeGreaterThan(0)
  })

  test('C56 is told to stop at the end of its lease when it cannot renew it', async () => {
    const world = await house()
    let fails = false
    const hook = (): void => {
      if (fails) throw new Error('gone')
    }
    const cut = await started(world, { hook, options: { deadlineMs: 1000 } })
    await pass(world, hour)
    fails = true
    for (let passed = 0; passed < leaseMs - 1000; passed += 500) await pass(world, 500)
    expect(cut.began[0]?.signal.aborted).toBe(false)
    for (let passed = 0; passed < 4000; passed += 500) await pass(world, 500)
    expect(cut.began[0]?.signal.aborted).toBe(true)
  })
})

describe('a process that does a job', () => {
  test('C56 keeps it for as long as it takes, and no other one does it before or after', async () => {
    const world = await house()
    const holder = await started(world)
    const other = await started(world)
    await pass(world, hour)
    const [long, idle] = holder.began.length === 1 ? [holder, other] : [other, holder]
    for (let passed = 0; passed < 40 * 60_000; passed += 5000) await pass(world, 5000)
    expect(long.began[0]?.signal.aborted).toBe(false)
    await long.end()
    await pass(world, 10 * 60_000)
    expect([long.began.length, idle.began.length]).toEqual([1, 0])
    expect([...long.told, ...idle.told]).toEqual([])
    const kept = (await jobRecords(world)).filter((record) => String(record).startsWith('keepJob,SUCCESS'))
    expect(kept).toHaveLength((40 * 60_000) / (leaseMs / 3))
  })

  test('C56 and fails has done it all the same: it is tried again at its next moment', async () => {
    const world = await house()
    const processes = [await started(world), await started(world)]
    await pass(world, hour)
    for (const each of processes) await each.end(new Error('no'))
    await pass(world, 10 * 60_000)
    expect(processes.flatMap(({ began }) => began)).toHaveLength(1)
    expect(processes.flatMap(({ told }) => told)).toEqual(['Error: no'])
    const finished = (await jobRecords(world)).filter((record) => String(record).startsWith('finishJob'))
    expect(finished).toEqual([['finishJob', 'SUCCESS', false]])
    await pass(world, 50 * 60_000)
    expect(processes.flatMap(({ began }) => began)).toHaveLength(2)
  })

  test('C56 and gives up because its scheduler ends leaves it to another one', async () => {
    const world = await house()
    const stopped = await started(world)
    await pass(world, hour)
    const other = await started(world)
    await stopped.kms.scheduler.stop()
    await pass(world, leaseMs)
    expect(stopped.told).toEqual([])
    expect(other.began).toHaveLength(1)
    await other.end()
    expect((await jobRecords(world)).at(-1)).toEqual(['finishJob', 'SUCCESS', true])
  })

  test('C49 C56 is taken over early by one whose clock is ahead, and fenced off', async () => {
    const world = await house()
    const { clock } = world
    const holder = await started(world)
    await pass(world, hour)
    const ahead = await started(world, { options: { clock: { ...clock, now: () => clock.now() + leaseMs } } })
    expect(ahead.began).toHaveLength(1)
    await pass(world, leaseMs / 3)
    expect(holder.began[0]?.signal.aborted).toBe(true)
    expect(holder.told).toEqual(['CONFLICT'])
    await ahead.end()
    expect(ahead.told).toEqual([])
  })

  test('C49 C56 and dies with a clock that is far ahead holds nobody up', async () => {
    const world = await house()
    const { clock } = world
    const gate = makeGate()
    const ahead = await started(world, {
      hook: gate.hook,
      options: { clock: { ...clock, now: () => clock.now() + 400 * day } },
    })
    await pass(world, hour)
    expect(ahead.began).toHaveLength(1)
    gate.shut()
    const other = await started(world)
    expect(other.began).toHaveLength(1)
    await other.end()
    await pass(world, hour)
    expect(other.began).toHaveLength(2)
  })
})
