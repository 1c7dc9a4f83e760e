import { describe, expect, test } from 'vitest'
import type { AuditRecord, Kms } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { actor, day, makeWorld, settle, type World } from '../support/kms.ts'
import { inWindow, naiveBy, naiveCounts } from '../support/naive-usage.ts'

const hour = 3_600_000

/** Numbers that repeat themselves. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Something that somebody does, well or badly. */
async function act(kms: Kms, random: (below: number) => number): Promise<void> {
  const key = `k${random(3)}`
  const who = [kms, actor(kms, 'app'), actor(kms, 'eve', 'auditor'), kms][random(4)] as Kms
  const acts: (() => Promise<unknown>)[] = [
    async () => who.encrypt({ key, plaintext: '1' }),
    async () => who.encrypt({ key: 'none', plaintext: '1' }),
    async () => who.decrypt({ ciphertext: 'AAAA' }),
    async () =>
      who.encryptMany({
        items: [
          { key, plaintext: '1' },
          { key, plaintext: '2' },
          { key: 'none', plaintext: '3' },
        ],
      }),
    async () => who.keys.get({ key }),
    async () => who.keys.rotate({ key }),
    async () => who.generateRandom({ numberOfBytes: 1 }),
  ]
  await settle((acts[random(acts.length)] as () => Promise<unknown>)())
}

/** Compares what is counted with the log, recounted one by one. */
async function expectRightCounts(world: World, kms: Kms): Promise<void> {
  for (const window of ['24h', '30d', { hours: 1 }, { hours: 30 }] as const) {
    const hours = window === '24h' ? 24 : window === '30d' ? 720 : window.hours
    const all = await world.db.records()
    const records = inWindow(all, world.clock.now(), hours)
    const metrics = await kms.ops.metrics({ window })
    expect(metrics.all).toEqual(naiveCounts(records))
    expect(metrics.operations).toMatchObject(naiveBy(records, ({ action }) => action))
    expect(Object.keys(metrics.operations)).toEqual(Object.keys(naiveBy(records, ({ action }) => action)))
    expect(failuresIn(metrics.failures)).toEqual(failuresOf(records))
    expect(metrics.missing).toEqual({ records: 0, rows: 0 })
    expect(metrics.keys).toEqual(await keysByState(world))
    await expectRightSeries(world, kms, { window, hours })
  }
}

async function expectRightSeries(
  world: World,
  kms: Kms,
  on: { window: { hours: number } | '24h' | '30d'; hours: number },
) {
  const fields = { key: 'keyId', principal: 'actor', owner: 'owner' } as const
  for (const by of ['key', 'principal', 'owner'] as const) {
    const records = inWindow(await world.db.records(), world.clock.now(), on.hours)
    const expected = naiveBy(records, (record) => record[fields[by]])
    const { items, other } = await kms.ops.topUsage({ by, window: on.window, limit: 500 })
    expect(Object.fromEntries(items.map(({ id, all }) => [id, all]))).toEqual(expected)
    expect(other.calls).toBe(0)
    for (const { id, operations } of items) {
      const own = records.filter((record) => record[fields[by]] === id)
      expect(operations).toEqual(naiveBy(own, ({ action }) => action))
    }
  }
}

function failuresOf(records: readonly AuditRecord[]): string[] {
  const failed = records.filter(({ status }) => status !== 'SUCCESS')
  return Object.entries(naiveBy(failed, ({ code, reason }) => `${code ?? ''} ${reason ?? ''}`))
    .map(([name, { calls }]) => `${name}: ${calls}`)
    .toSorted()
}

function failuresIn(
  failures: readonly { code: string | undefined; reason: string | undefined; calls: number }[],
): string[] {
  return failures.map(({ code, reason, calls }) => `${code ?? ''} ${reason ?? ''}: ${calls}`).toSorted()
}

async function keysByState({ db }: World): Promise<Record<string, number>> {
  const counts = { Enabled: 0, Disabled: 0, PendingImport: 0, PendingDeletion: 0, Revoked: 0, Destroyed: 0 }
  for (const row of await db.rows('keys')) counts[row['state'] as keyof typeof counts] += 1
  return counts
}

async function withKeys(): Promise<World> {
  const world = await makeWorld()
  for (const key of ['k0', 'k1', 'k2'])
    await world.kms.keys.create({ name: key, spec: 'AES_256', owner: `device ${key}` })
  await world.kms.grants.create({ principal: 'app', key: 'k0', operations: ['encrypt', 'rotateKey'] })
  return world
}

describe('what is counted is what the log says', () => {
  test('from the first record on', async () => {
    const world = await makeWorld()
    await expectRightCounts(world, world.kms)
  })

  test.each([[1], [2], [3]])('through hours, days and months of work, by one process (seed %i)', async (seed) => {
    const world = await withKeys()
    const random = seeded(seed)
    for (let step = 0; step < 25; step++) {
      const some = Array.from({ length: random(60) }, async () => act(world.kms, random))
      await Promise.all(some)
      for (let index = 0; index < random(8); index++) await act(world.kms, random)
      world.clock.advance([1, 250, hour / 3, hour, 5 * hour, day, 9 * day][random(7)]!)
      if (step % 8 === 7) await expectRightCounts(world, world.kms)
    }
    await expectRightCounts(world, world.kms)
  })

  test.each([[4], [5]])('by three processes in turn, each of which may be a new one (seed %i)', async (seed) => {
    const world = await withKeys()
    const random = seeded(seed)
    const processes = [world.kms, await world.again(), await world.again()]
    for (let step = 0; step < 60; step++) {
      const which = random(3)
      const kms = processes[which] as Kms
      await Promise.all(Array.from({ length: random(12) }, async () => act(kms, random)))
      // As after a kill: whoever comes next knows nothing of what the last one had in memory.
      if (random(10) === 0) processes[which] = await world.again()
      world.clock.advance([1, 1, 1000, hour / 2, hour][random(5)]!)
      if (step % 20 === 19) await expectRightCounts(world, processes[random(3)] as Kms)
    }
    await expectRightCounts(world, world.kms)
  })

  test('with a clock that is set', async () => {
    const world = await withKeys()
    const random = seeded(6)
    for (const to of [0, -30 * day, 400 * day, -1, hour, 0]) {
      world.clock.set(Date.UTC(2026, 5, 1) + to)
      await Promise.all(Array.from({ length: 50 }, async () => act(world.kms, random)))
    }
    world.clock.set(Date.UTC(2026, 5, 1) + 2 * hour)
    const all = inWindow(await world.db.records(), world.clock.now(), 24)
    // What lies in the year to come is counted too: a window has no end.
    expect((await world.kms.ops.metrics()).all.calls).toBe(all.length)
  })
})

test.each([1.5, 2.5, 20])('processes whose clocks are %d hours apart end no hour in turn', async (hours) => {
  const world = await withKeys()
  const clock = fakeClock(world.clock.now() + hours * hour)
  const other = await world.again({ clock, timers: clock })
  for (let round = 0; round < 40; round++) {
    for (const kms of [world.kms, other]) {
      await Promise.all(Array.from({ length: 40 }, async () => kms.generateRandom({ numberOfBytes: 1 })))
    }
  }
  const { operations } = await world.kms.ops.metrics()
  expect(operations['generateRandom']?.calls).toBe(40 * 2 * 40)
  const ended = (await world.db.rows('usage', ['default', 'totals'])).filter(({ level }) => level === 20)
  expect(ended.length).toBeLessThanOrEqual(1)
})

test('S0-42 keys by state follow every change of theirs', async () => {
  const world = await makeWorld()
  const { kms } = world
  await kms.keys.create({ name: 'a', spec: 'AES_256' })
  await kms.keys.create({ name: 'b', spec: 'AES_256' })
  await kms.keys.create({ name: 'c', spec: 'AES_256', origin: 'EXTERNAL' })
  await kms.keys.disable({ key: 'a' })
  await kms.keys.revoke({ key: 'b', reason: 'leaked' })
  await settle(kms.keys.create({ name: 'a', spec: 'AES_256' }))
  const now = { Enabled: 0, Disabled: 1, PendingImport: 1, PendingDeletion: 0, Revoked: 1, Destroyed: 0 }
  expect((await kms.ops.metrics()).keys).toEqual(now)
  await kms.keys.enable({ key: 'a' })
  await kms.keys.scheduleDeletion({ key: 'b' })
  expect((await (await world.again()).ops.metrics()).keys).toEqual({
    ...now,
    Enabled: 1,
    Disabled: 0,
    Revoked: 0,
    PendingDeletion: 1,
  })
})

test('S0-42 the last verification is known, whether it found something or not', async () => {
  const { kms, clock } = await makeWorld()
  expect((await kms.ops.metrics()).lastVerification).toBeUndefined()
  await kms.audit.verify()
  const at = new Date(clock.now())
  clock.advance(2 * day)
  for (let index = 0; index < 100; index++) await kms.generateRandom({ numberOfBytes: 1 })
  expect((await kms.ops.metrics()).lastVerification).toEqual({ at, ok: true, records: 2, seq: 2 })
})
