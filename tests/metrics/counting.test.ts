import { expect, test } from 'vitest'
import { counted, rowsOfMetrics, work, type Counted } from './counting.ts'

const hourMs = 3_600_000

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve))
}

test('P8 ops.metrics reads at most 200 rows, however long the log is, and however many hours it has', async () => {
  const on = await counted()
  const rows: number[] = []
  await work(on, { hours: 1, perHour: 2000, atOnce: 50 })
  rows.push(await rowsOfMetrics(on))
  for (let round = 0; round < 4; round++) {
    await work(on, { hours: 8 * 24 + 5, perHour: 1, atOnce: 1 })
    rows.push(await rowsOfMetrics(on))
  }
  await work(on, { hours: 23, perHour: 1, atOnce: 1 })
  // An hour with rows of several levels, at the end of a day, at the end of a month.
  await work(on, { hours: 1, perHour: 1240, atOnce: 40 })
  rows.push(await rowsOfMetrics(on))
  expect(Math.max(...rows)).toBeLessThanOrEqual(200)
  // The log has thousands of records, and more hours than that.
  expect((await on.kms.ops.health()).chain?.size).toBeGreaterThan(4000)
  expect((await on.kms.ops.metrics({ window: '30d' })).all.calls).toBeGreaterThan(1240 + 600)
  await on.kms.close()
})

test('P8 ops.metrics reads at most 200 rows also while nothing is counted, and right after that', async () => {
  const on = await counted()
  await work(on, { hours: 31 * 24, perHour: 1, atOnce: 1 })
  const hour = async (perHour: number): Promise<void> => work(on, { hours: 1, perHour, atOnce: 256 })
  await hour(2048)
  const rows: number[] = []
  const read = async (): Promise<void> => {
    on.reset()
    await on.kms.ops.metrics({ window: '30d' })
    rows.push(on.asked.rowsRead)
  }
  on.asked.fails = true
  for (let round = 0; round < 8; round++) {
    await Promise.all(Array.from({ length: 256 }, async () => on.kms.generateRandom({ numberOfBytes: 1 })))
    await read()
  }
  on.asked.fails = false
  on.clock.advance(10_000)
  for (let round = 0; round < 100; round++) await read()
  expect(Math.max(...rows)).toBeLessThanOrEqual(200)
  // What is missing is known; it is caught up with by whoever does something, and what comes then is counted.
  const { all, missing } = await on.kms.ops.metrics({ window: { hours: 2 } })
  expect(missing.records).toBeGreaterThan(512)
  await on.kms.generateRandom({ numberOfBytes: 1 })
  const later = await on.kms.ops.metrics({ window: { hours: 2 } })
  expect(later.missing.records).toBeLessThan(missing.records)
  expect(later.all.calls).toBeGreaterThan(all.calls + 256)
  await on.kms.close()
})

/** Three days with busy evenings, hour by hour, and what is done first in each hour. */
async function threeDays(on: Counted, first: () => Promise<unknown>): Promise<number> {
  await on.kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'device 7' })
  const rows: number[] = []
  for (let hour = 5; hour < 24 * 3; hour++) {
    const busy = hour % 24 > 21 ? 31 : 1
    for (let round = 0; round < busy; round++) {
      await Promise.all(Array.from({ length: 40 }, async () => on.kms.encrypt({ key: 'k', plaintext: 'x' })))
    }
    on.clock.advance(hourMs)
    on.reset()
    await first()
    rows.push(on.asked.rowsRead)
  }
  return Math.max(...rows)
}

test('P8 ops.metrics reads at most 200 rows as the first of an hour, of a day, and after a long pause', async () => {
  const on = await counted()
  const ask = async (): Promise<unknown> => on.kms.ops.metrics({ window: '30d' })
  await work(on, { hours: 31 * 24, perHour: 1, atOnce: 1 })
  expect(await threeDays(on, ask)).toBeLessThanOrEqual(200)
  for (const hours of [1, 5, 24, 24 * 40]) {
    await work(on, { hours: 1, perHour: 1240, atOnce: 40 })
    on.clock.advance(hours * hourMs)
    for (let call = 0; call < 3; call++) {
      on.reset()
      await ask()
      expect(on.asked.rowsRead).toBeLessThanOrEqual(200)
    }
  }
  await on.kms.close()
})

test('P8 the first batch of an hour or a day that does something adds up what is over, and reads at most 300 rows', async () => {
  const on = await counted()
  const most = await threeDays(on, async () => on.kms.generateRandom({ numberOfBytes: 1 }))
  expect(most).toBeLessThanOrEqual(300)
  // Something is added up: else this proves nothing.
  expect(most).toBeGreaterThan(100)
  await on.kms.close()
})

test('P8 who asks for metrics leaves rows of many levels to be added up by others', async () => {
  const on = await counted()
  for (let batch = 0; batch < 24; batch++) {
    await Promise.all(Array.from({ length: 80 }, async () => on.kms.generateRandom({ numberOfBytes: 1 })))
  }
  const counts = new Set<number>()
  for (let call = 0; call < 73; call++) {
    on.reset()
    await on.kms.ops.metrics()
    counts.add(on.asked.countsRead)
  }
  expect(counts.size).toBe(1)
  expect((await on.kms.ops.metrics()).operations['readMetrics']?.calls).toBe(73)
  await on.kms.close()
})

test('P8 who asks first in an hour is counted in it, though others add up what is over', async () => {
  const on = await counted()
  await work(on, { hours: 1, perHour: 100, atOnce: 50 })
  await on.kms.ops.metrics()
  await on.kms.generateRandom({ numberOfBytes: 1 })
  const { operations } = await on.kms.ops.metrics({ window: { hours: 1 } })
  expect([operations['readMetrics']?.calls, operations['generateRandom']?.calls]).toEqual([1, 1])
  await on.kms.close()
})

test('P8 where nobody does anything but ask for metrics, that is counted too, by one more record an hour', async () => {
  const on = await counted()
  const { kms, clock } = on
  const minutes = 30 * 60
  const rows: number[] = []
  for (let minute = 0; minute < minutes; minute++) {
    on.reset()
    const { missing } = await kms.ops.metrics()
    rows.push(on.asked.rowsRead)
    expect(missing).toEqual({ records: 0, rows: 0 })
    clock.advance(1000)
    await turns()
    clock.advance(59_000)
  }
  expect(Math.max(...rows)).toBeLessThanOrEqual(200)
  const { operations } = await kms.ops.metrics({ window: { hours: 48 } })
  expect(operations['readMetrics']?.calls).toBe(minutes)
  expect(operations['countRecords']?.calls).toBeLessThanOrEqual(minutes / 60)
  expect(operations['countRecords']?.calls).toBeGreaterThan(minutes / 60 - 2)
  await kms.close()
})

test('P8 counts cost at most one more statement for each batch, and none for each operation', async () => {
  const on = await counted()
  on.reset()
  await work(on, { hours: 3, perHour: 300, atOnce: 1 })
  expect(Math.max(...on.asked.writes)).toBe(1)
  // One by one: a row for each 65 records, and one for each hour that begins.
  const statements = on.asked.writes.reduce((sum, count) => sum + count, 0)
  expect(statements).toBeLessThanOrEqual(Math.ceil(900 / 65) + 3)
  on.reset()
  await work(on, { hours: 30, perHour: 100, atOnce: 100 })
  expect(Math.max(...on.asked.writes)).toBe(1)
  expect(on.asked.batches).toBeGreaterThanOrEqual(30)
  await on.kms.close()
})
