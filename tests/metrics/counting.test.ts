import { expect, test } from 'vitest'
import { counted, rowsOfMetrics, work } from './counting.ts'

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

test('P8 the first record of an hour or a day, be it of a question, reads at most 300 rows more to add up what is over', async () => {
  const on = await counted()
  await on.kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'device 7' })
  const rows: number[] = []
  const read = async (): Promise<void> => {
    on.reset()
    await on.kms.ops.metrics({ window: '30d' })
    rows.push(on.asked.rowsRead)
  }
  for (let hour = 5; hour < 24 * 3; hour++) {
    const busy = hour % 24 > 21 ? 30 : 1
    for (let round = 0; round < busy; round++) {
      await Promise.all(Array.from({ length: 20 }, async () => on.kms.encrypt({ key: 'k', plaintext: 'x' })))
    }
    on.clock.advance(3_600_000)
    await read()
  }
  expect(Math.max(...rows)).toBeLessThanOrEqual(200 + 300)
  // Something is added up: else this proves nothing.
  const last = rows.at(-1) as number
  await read()
  expect(rows.at(-1)).toBeLessThan(last)
  await on.kms.close()
})

test('P8 counts cost at most one more statement for each batch, and none for each operation', async () => {
  const on = await counted()
  on.reset()
  await work(on, { hours: 3, perHour: 300, atOnce: 1 })
  expect(Math.max(...on.asked.writes)).toBe(1)
  // One by one: a row for each 32 records, and one for each hour that begins.
  const statements = on.asked.writes.reduce((sum, count) => sum + count, 0)
  expect(statements).toBeLessThanOrEqual(Math.ceil(900 / 32) + 3)
  on.reset()
  await work(on, { hours: 30, perHour: 100, atOnce: 100 })
  expect(Math.max(...on.asked.writes)).toBe(1)
  expect(on.asked.batches).toBeGreaterThanOrEqual(30)
  await on.kms.close()
})
