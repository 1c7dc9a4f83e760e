import { describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { actor, day, expectCode, makeWorld, settle, type World } from '../support/kms.ts'

const hour = 3_600_000

async function withKey(name = 'k', owner = 'device 7'): Promise<World & { id: string }> {
  const world = await makeWorld()
  const { id } = await world.kms.keys.create({ name, spec: 'AES_256', owner })
  return { ...world, id: id! }
}

const times = async (count: number, work: () => Promise<unknown>): Promise<unknown[]> =>
  Promise.all(Array.from({ length: count }, async () => settle(work())))

describe('ops.usage', () => {
  test('S0-42 says how often a key encrypted and decrypted in a day, and was rotated in a month', async () => {
    const { kms, clock, id } = await withKey()
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: '1' })
    await kms.keys.rotate({ key: 'k' })
    clock.advance(10 * day)
    await times(40, async () => kms.encrypt({ key: 'k', plaintext: '1' }))
    await times(30, async () => kms.decrypt({ ciphertext }))
    const last = clock.now()
    clock.advance(hour)
    for (const key of ['k', id]) {
      const { operations, lastUsedAt, all, window } = await kms.ops.usage({ key })
      expect(operations).toMatchObject({
        encrypt: { calls: 40, succeeded: 40 },
        decrypt: { calls: 30, lastAt: new Date(last) },
      })
      expect(Object.keys(operations)).toEqual(['decrypt', 'encrypt'])
      expect([all.calls, lastUsedAt]).toEqual([70, new Date(last)])
      expect(window).toEqual({ from: new Date(clock.now() - 23 * hour), to: new Date(clock.now()), hours: 24 })
    }
    const { operations } = await kms.ops.usage({ key: 'k', window: '30d' })
    expect(operations).toMatchObject({ encrypt: { calls: 41 }, rotateKey: { calls: 1 } })
  })

  test('says when a key was last used however long ago that was', async () => {
    const { kms, clock } = await withKey()
    expect((await kms.ops.usage({ key: 'k' })).lastUsedAt).toBeUndefined()
    await kms.encrypt({ key: 'k', plaintext: '1' })
    const used = new Date(clock.now())
    clock.advance(400 * day)
    await kms.keys.get({ key: 'k' })
    await settle(kms.as('app').encrypt({ key: 'k', plaintext: '1' }))
    expect(await kms.ops.usage({ key: 'k' })).toMatchObject({ lastUsedAt: used, all: { calls: 2, denied: 1 } })
    await times(150, async () => kms.keys.get({ key: 'k' }))
    expect((await kms.ops.usage({ key: 'k' })).lastUsedAt).toBeUndefined()
  })

  test('is not told that a key was used when somebody was only denied its use', async () => {
    const { kms, clock } = await withKey()
    await kms.encrypt({ key: 'k', plaintext: '1' })
    const lastUsedAt = new Date(clock.now())
    clock.advance(hour)
    await times(150, async () => kms.as('eve').encrypt({ key: 'k', plaintext: '1' }))
    expect((await kms.ops.usage({ key: 'k' })).lastUsedAt).toEqual(lastUsedAt)
  })

  test('H114 says how many messages a principal decrypted, many at a time or one by one, and was denied', async () => {
    const { kms } = await withKey()
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: '1' })
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['decrypt'] })
    const app = kms.as('app')
    await app.decryptMany({ items: Array.from({ length: 500 }, () => ({ ciphertext })) })
    await times(10, async () => app.decrypt({ ciphertext }))
    await times(3, async () => app.encrypt({ key: 'k', plaintext: '1' }))
    const { operations } = await kms.ops.usage({ principal: 'app' })
    expect(operations['decrypt']).toMatchObject({ calls: 11, items: { succeeded: 510, failed: 0 } })
    expect(operations['encrypt']).toMatchObject({ calls: 3, denied: 3, items: { succeeded: 0, failed: 3 } })
    expect((await kms.ops.usage({ principal: 'nobody' })).all).toMatchObject({ calls: 0, lastAt: undefined })
    const { items } = await kms.ops.topUsage({ by: 'principal', limit: 1 })
    expect(items.map(({ id }) => id)).toEqual(['app'])
  })

  test('S1-11 says what was done with the keys of a device, with durations and failures', async () => {
    const { kms, clock } = await withKey()
    await kms.keys.create({ name: 'second', spec: 'AES_256', owner: 'device 7' })
    await kms.keys.create({ name: 'third', spec: 'AES_256', owner: 'device 8' })
    for (const key of ['k', 'second', 'third']) await kms.encrypt({ key, plaintext: '1' })
    await kms.keys.disable({ key: 'k' })
    await settle(kms.encrypt({ key: 'k', plaintext: '1' }))
    clock.advance(hour)
    const { operations, all } = await kms.ops.usage({ owner: 'device 7', window: { hours: 24 } })
    expect(operations).toMatchObject({ createKey: { calls: 2 }, encrypt: { calls: 2, succeeded: 2 } })
    expect(all.durationMs).toEqual({ mean: 0, max: 0 })
    const { failures, operations: whole } = await kms.ops.metrics()
    expect(failures).toContainEqual({ code: 'INVALID_KEY_STATE', reason: 'the key is Disabled', calls: 1 })
    expect(whole['encrypt']?.durationMs).toEqual({ mean: 0, max: 0, p50: 1, p95: 1, p99: 1 })
  })

  const wrong: [string, object][] = [
    ['nothing', {}],
    ['two things', { key: 'k', principal: 'app' }],
    ['no window that there is', { key: 'k', window: '1y' }],
    ['no hours', { key: 'k', window: { hours: 0 } }],
    ['more hours than 30 days have', { key: 'k', window: { hours: 721 } }],
    ['part of an hour', { key: 'k', window: { hours: 1.5 } }],
    ['not a number', { key: 'k', window: { hours: NaN } }],
  ]
  test.each(wrong)('refuses to be asked for %s', async (_, request) => {
    const { kms } = await withKey()
    await expectCode(kms.ops.usage(request), 'INVALID_REQUEST')
  })

  test('says KEY_NOT_FOUND of a key that there is not', async () => {
    const { kms } = await withKey()
    await expectCode(kms.ops.usage({ key: 'none' }), 'KEY_NOT_FOUND')
    await expectCode(kms.ops.usage({ key: '00000000-0000-4000-8000-000000000000' }), 'KEY_NOT_FOUND')
  })
})

test('P8 who asks for thousands of series lets others have their turn in between', async () => {
  const world = await withKey()
  const { kms, db, clock } = world
  const series = Array.from({ length: 3000 }, (_, at) => [`p${at}`, { encrypt: [1, 0, 0, 1, 0, 5, 5, 1] }] as const)
  const counts = JSON.stringify(Object.fromEntries(series))
  const hourNow = Math.floor(clock.now() / hour)
  for (let at = 1; at <= 20; at++) {
    const place = { tenant: 'default', level: 21, fromSeq: 0, toSeq: 1_000_000 + at, hour: hourNow - 24 * at }
    for (const kind of ['keys', 'principals']) await db.add('usage', { ...place, kind, counts, standing: null })
  }
  for (const ask of [
    async () => kms.ops.topUsage({ by: 'principal', window: '30d' }),
    async () => kms.ops.usage({ principal: 'p1', window: '30d' }),
    async () => kms.ops.problematicKeys({ window: '30d' }),
  ]) {
    let isOver = false
    const asked = ask().finally(() => {
      isOver = true
    })
    let others = 0
    for (; !isOver; others++) await new Promise((resolve) => void setImmediate(resolve))
    await asked
    expect(others).toBeGreaterThanOrEqual(20)
  }
  const { items } = await kms.ops.topUsage({ by: 'principal', window: '30d', limit: 1 })
  expect(items[0]?.all.calls).toBe(20)
})

describe('ops.problematicKeys', () => {
  async function fail(kms: Kms, key: string, count: number): Promise<void> {
    const { ciphertext } = await kms.encrypt({ key, plaintext: '1', context: { a: 'b' } })
    await times(count, async () => kms.decrypt({ ciphertext }))
  }

  test('S1-11 lists a key whose failures stand out, and none whose are few, or as many as everywhere', async () => {
    const { kms } = await withKey('good')
    for (const name of ['bad', 'few', 'rare']) await kms.keys.create({ name, spec: 'AES_256' })
    await times(100, async () => kms.encrypt({ key: 'good', plaintext: '1' }))
    await fail(kms, 'bad', 5)
    await fail(kms, 'few', 4)
    await fail(kms, 'rare', 5)
    await times(60, async () => kms.encrypt({ key: 'rare', plaintext: '1' }))
    await times(50, async () => kms.as('eve').encrypt({ key: 'good', plaintext: '1' }))
    const { items, failureRate } = await kms.ops.problematicKeys()
    const { id } = await kms.keys.get({ key: 'bad' })
    expect(items.map(({ keyId }) => keyId)).toEqual([id])
    expect(items[0]).toMatchObject({ failureRate: 5 / 7, operations: { decrypt: { failed: 5 } } })
    expect(failureRate).toBeCloseTo(14 / 182, 2)
  })

  test.each([0, 1])('S1-11 lists the busiest key, whose failures are most of all, with %d others', async (others) => {
    const { kms, id } = await withKey('busy')
    for (let at = 0; at < others; at++) await kms.keys.create({ name: `quiet${at}`, spec: 'AES_256' })
    await fail(kms, 'busy', 30)
    expect(await kms.ops.problematicKeys()).toMatchObject({ items: [{ keyId: id, failureRate: 30 / 32 }] })
  })

  test('finds nothing where every key fails alike, nor where nothing was done', async () => {
    const { kms, clock } = await withKey('a')
    await kms.keys.create({ name: 'b', spec: 'AES_256' })
    await fail(kms, 'a', 20)
    await fail(kms, 'b', 20)
    expect((await kms.ops.problematicKeys()).items).toEqual([])
    clock.advance(2 * day)
    expect(await kms.ops.problematicKeys()).toMatchObject({ items: [], failureRate: 0 })
  })
})

test('ops.unusedKeys lists keys that were not used, to the millisecond', async () => {
  const { kms, clock, id } = await withKey()
  await kms.keys.create({ name: 'never', spec: 'AES_256' })
  await kms.keys.create({ name: 'gone', spec: 'AES_256' })
  await kms.keys.scheduleDeletion({ key: 'gone' })
  await kms.encrypt({ key: 'k', plaintext: '1' })
  const lastUsedAt = new Date(clock.now())
  clock.advance(90 * day - 1)
  await kms.keys.create({ name: 'new', spec: 'AES_256' })
  expect((await kms.ops.unusedKeys()).items).toEqual([])
  clock.advance(1)
  const { items } = await kms.ops.unusedKeys()
  expect(new Set(items.map(({ name }) => name))).toEqual(new Set(['k', 'never']))
  expect(items.find(({ keyId }) => keyId === id)).toEqual({
    keyId: id,
    name: 'k',
    state: 'Enabled',
    createdAt: lastUsedAt,
    lastUsedAt,
  })
  await kms.encrypt({ key: 'k', plaintext: '1' })
  await times(120, async () => kms.keys.get({ key: 'never' }))
  // Of one that was only described a hundred times since, it is not found out.
  expect((await kms.ops.unusedKeys()).items).toEqual([])
})

test('who may not read metrics reads none of them', async () => {
  const { kms } = await withKey()
  await kms.grants.create({ principal: 'app', key: 'k', operations: ['describeKey', 'encrypt'] })
  for (const who of [kms.as('app'), kms.as('nobody')]) {
    await expectCode(who.ops.metrics(), 'ACCESS_DENIED')
    await expectCode(who.ops.usage({ key: 'k' }), 'ACCESS_DENIED')
    await expectCode(who.ops.usage({ principal: 'app' }), 'ACCESS_DENIED')
    await expectCode(who.ops.unusedKeys(), 'ACCESS_DENIED')
  }
  expect((await actor(kms, 'eve', 'auditor').ops.metrics()).all.denied).toBe(8)
})
