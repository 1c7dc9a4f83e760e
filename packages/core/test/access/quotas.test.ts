import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QuotaExceededError, type Kms, type QuotaRequest } from '../../src/index.ts'
import { day, expectCode, makeWorld, outcomeOf, recordOf, settle, type World } from '../support/kms.ts'

const perDevice: QuotaRequest = { operation: 'createKey', per: 'owner', limit: 5, windowSeconds: 86_400 }

async function make(kms: Pick<Kms, 'keys'>, owner?: string): Promise<string> {
  return outcomeOf(kms.keys.create({ spec: 'AES_256', owner }))
}

async function worldWith(...quotas: readonly QuotaRequest[]): Promise<World> {
  const world = await makeWorld()
  for (const quota of quotas) await world.kms.quotas.set(quota)
  return world
}

describe('a quota', () => {
  test('S1-14 of 5 keys per device and day: the sixth is refused, with the moment of the next', async () => {
    const world = await worldWith(perDevice)
    const { kms, clock, db } = world
    const first = clock.now()
    for (let at = 0; at < 5; at++) {
      expect(await make(kms, 'device 7')).toBe('ok')
      clock.advance(3_600_000)
    }
    const record = await recordOf(world, async () => {
      const error = await settle(kms.keys.create({ spec: 'AES_256', owner: 'device 7' }))
      expect(error).toBeInstanceOf(QuotaExceededError)
      expect(error).toMatchObject({ code: 'QUOTA_EXCEEDED', retryable: true, retryAt: new Date(first + day) })
      expect(JSON.parse(JSON.stringify(error))).toMatchObject({ retryAt: new Date(first + day).toISOString() })
    })
    expect(record).toMatchObject({ action: 'createKey', status: 'FAILURE', code: 'QUOTA_EXCEEDED', owner: 'device 7' })
    expect(record.change).toBeUndefined()
    expect(await db.rows('keys')).toHaveLength(5)
    expect(await make(kms, 'device 8')).toBe('ok')
    expect(await make(kms)).toBe('ok')
  })

  test.each([
    [-1, 'QUOTA_EXCEEDED'],
    [0, 'ok'],
    [1, 'ok'],
  ])('C48 has room again at the moment that it says, %d ms from it: %s', async (offset, outcome) => {
    const { kms, clock } = await worldWith({ ...perDevice, limit: 1 })
    await make(kms, 'd')
    const error = await settle(kms.keys.create({ spec: 'AES_256', owner: 'd' }))
    clock.set((error as QuotaExceededError).retryAt!.getTime() + offset)
    expect(await make(kms, 'd')).toBe(outcome)
  })

  test('slides: in no window of its length more is done than it allows, and whatever it allows is done', async () => {
    const steps = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 5, maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), async (waits, limit) => {
        const { kms, clock } = await worldWith({ ...perDevice, limit, windowSeconds: 60 })
        const done: number[] = []
        for (const wait of waits) {
          clock.advance(wait * 1000)
          const now = clock.now()
          const isFree = done.filter((time) => time > now - 60_000).length < limit
          expect(await make(kms, 'd')).toBe(isFree ? 'ok' : 'QUOTA_EXCEEDED')
          if (isFree) done.push(now)
        }
      }),
      { numRuns: 10 },
    )
  })

  test('is of all processes, many at once, and survives all of them', async () => {
    const { kms, again } = await worldWith(perDevice)
    const processes = [kms, await again(), await again()]
    const outcomes = await Promise.all(Array.from({ length: 30 }, async (_, at) => make(processes[at % 3] as Kms, 'd')))
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(5)
    expect(outcomes.filter((outcome) => outcome === 'QUOTA_EXCEEDED')).toHaveLength(25)
    await Promise.all(processes.map(async (each) => each.close()))
    expect(await make(await again(), 'd')).toBe('QUOTA_EXCEEDED')
  })

  test('counts what was done, and nothing that was refused, undone or done by ensure of what there is', async () => {
    const { kms } = await worldWith({ ...perDevice, limit: 2 })
    await kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'd' })
    for (let at = 0; at < 5; at++) {
      await expectCode(kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'd' }), 'NAME_TAKEN')
      await expectCode(kms.as('app').keys.create({ spec: 'AES_256', owner: 'd' }), 'ACCESS_DENIED')
      await kms.keys.ensure({ name: 'k', spec: 'AES_256', owner: 'd' })
    }
    expect(await make(kms, 'd')).toBe('ok')
    expect(await make(kms, 'd')).toBe('QUOTA_EXCEEDED')
  })

  test('is of each principal, or of the tenant, where it says so', async () => {
    const { kms } = await worldWith(
      { name: 'each', operation: 'rotateKey', per: 'principal', limit: 1, windowSeconds: 60 },
      { name: 'all', operation: 'rotateKey', per: 'tenant', limit: 2, windowSeconds: 60 },
    )
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const rotate = async (id: string): Promise<string> =>
      outcomeOf(kms.as({ id, role: 'admin' }).keys.rotate({ key: 'k' }))
    expect(await rotate('a')).toBe('ok')
    expect(await rotate('a')).toBe('QUOTA_EXCEEDED')
    expect(await rotate('b')).toBe('ok')
    expect(await rotate('c')).toBe('QUOTA_EXCEEDED')
    expect((await kms.keys.get({ key: 'k' })).currentVersion).toBe(3)
  })

  test('is of one tenant', async () => {
    const { kms } = await worldWith({ ...perDevice, per: 'tenant', limit: 0 })
    const other = await kms.tenants.ensure('other')
    expect(await make(kms)).toBe('QUOTA_EXCEEDED')
    expect(await make(other)).toBe('ok')
  })

  test('holds up no rotation that is due', async () => {
    const { kms, clock } = await worldWith({ operation: 'rotateKey', per: 'tenant', limit: 0, windowSeconds: 60 })
    await kms.keys.create({ name: 'k', spec: 'AES_256', rotationPeriodDays: 1 })
    clock.advance(day)
    expect((await kms.scheduler.runDue()).done).toHaveLength(1)
  })

  test('C49 is not freed by a clock that is set back', async () => {
    const { kms, clock } = await worldWith({ ...perDevice, limit: 1 })
    await make(kms, 'd')
    clock.set(clock.now() - 10 * day)
    expect(await make(kms, 'd')).toBe('QUOTA_EXCEEDED')
  })

  test.each([
    ['its own process', async ({ kms }: World) => kms],
    ['another process', async ({ again }: World) => again()],
  ])('C49 counts nothing as earlier than it was when the clock of %s was set back', async (_, open) => {
    const world = await worldWith({ ...perDevice, windowSeconds: 3600 })
    const { clock } = world
    const setAt = clock.now()
    const minute = 60_000
    clock.set(setAt - 30 * minute)
    const kms = await open(world)
    for (let at = 0; at < 5; at++) expect(await make(kms, 'd')).toBe('ok')
    // The clock is led to the right time: half an hour has passed since then, and not a whole one.
    clock.set(setAt + 31 * minute)
    expect(await make(kms, 'd')).toBe('QUOTA_EXCEEDED')
    clock.set(setAt + 60 * minute)
    expect(await make(kms, 'd')).toBe('ok')
  })

  test('C49 is not held up by a clock that was more than a day ahead', async () => {
    const { kms, clock } = await worldWith({ ...perDevice, limit: 2, windowSeconds: 60 })
    const now = clock.now()
    clock.set(now + 2 * day)
    await kms.generateRandom({ numberOfBytes: 1 })
    clock.set(now)
    expect([await make(kms, 'd'), await make(kms, 'd'), await make(kms, 'd')]).toEqual(['ok', 'ok', 'QUOTA_EXCEEDED'])
    clock.set(now + 60_000)
    expect(await make(kms, 'd')).toBe('ok')
  })

  test('that is raised lets through more at once, counted on; that is lowered less; that is removed all', async () => {
    const { kms } = await worldWith({ ...perDevice, limit: 1 })
    await make(kms, 'd')
    expect(await make(kms, 'd')).toBe('QUOTA_EXCEEDED')
    expect(await kms.quotas.set({ ...perDevice, limit: 2 })).toMatchObject({
      name: 'default',
      limit: 2,
      createdBy: 'owner',
    })
    expect([await make(kms, 'd'), await make(kms, 'd')]).toEqual(['ok', 'QUOTA_EXCEEDED'])
    await kms.quotas.set({ ...perDevice, limit: 1 })
    expect(await make(kms, 'd')).toBe('QUOTA_EXCEEDED')
    await kms.quotas.remove({ operation: 'createKey' })
    expect(await make(kms, 'd')).toBe('ok')
    await expectCode(kms.quotas.remove({ operation: 'createKey' }), 'CONFLICT')
  })

  test.each([
    { limit: -1 },
    { limit: 1.5 },
    { limit: 1_000_000_001 },
    { limit: NaN },
    { windowSeconds: 0 },
    { windowSeconds: Infinity },
    { windowSeconds: 31_622_401 },
    { per: 'key' },
    { operation: 'listKeys' },
    { operation: 'setQuota' },
    { operation: '__proto__' },
    { name: 'a b' },
    { other: 1 },
  ])('is never one of %j', async (part) => {
    const { kms, db } = await makeWorld()
    await expectCode(kms.quotas.set({ ...perDevice, ...part } as QuotaRequest), 'INVALID_REQUEST')
    expect(await db.rows('quotas')).toEqual([])
  })

  test('is listed by operation and name, and there are at most 20 on one operation', async () => {
    const { kms } = await makeWorld()
    for (let at = 0; at < 20; at++) await kms.quotas.set({ ...perDevice, name: `q${at}` })
    await expectCode(kms.quotas.set({ ...perDevice, name: 'more' }), 'LIMIT_EXCEEDED')
    await kms.quotas.set({ ...perDevice, operation: 'createAlias' })
    const found: string[] = []
    for await (const { operation, name } of kms.quotas.list({ limit: 7 })) found.push(`${operation} ${name}`)
    expect(found).toHaveLength(21)
    expect(found).toEqual(found.toSorted())
    await make(kms, 'd')
  })

  test('F97 that nobody could have written, or uses of one, let nothing through', async () => {
    for (const [table, columns] of [
      ['quotas', { per: 'nobody' }],
      ['quota_uses', { times: '{}' }],
    ] as const) {
      const { kms, db, again } = await worldWith(perDevice)
      await make(kms, 'd')
      await db.plant(table, () => true, columns)
      expect(await make(await again(), 'd')).toBe('STORAGE_TAMPERED')
    }
  })
})
