import { ChainBuilder, emptyHead } from '../../packages/core/src/audit/chain.ts'
import type { LinkedBatch } from '../../packages/core/src/audit/companion.ts'
import { UsageCounter } from '../../packages/core/src/audit/usage/usage-counter.ts'
import type { StorageTransaction } from '@chatelaine/core/storage'
import { counted, rowsOfMetrics, work, type Counted } from '../metrics/counting.ts'
import { median, seconds } from './measure.ts'
import { micros, type Figure, type Report, type Run } from './section.ts'

const batchRecords = 256
const mostRows = 200

/** What `ops.metrics` reads, and what counting costs: statements are counted, and the time is that of counting alone. */
export async function metrics(run: Run): Promise<Report> {
  const on = await counted()
  const figures = [...(await rowsRead(on, run)), ...(await statements(on))]
  // A batch whose records are each of another key writes a series for each.
  for (const { name, keys, atMost } of [
    { name: 'one key', keys: 1, atMost: 1 },
    { name: '256 keys', keys: 256, atMost: 3 },
  ]) {
    const perRecord = await countingTime(run, keys)
    const ratio = { value: perRecord * 1e6, of: '× 1 µs', atMost }
    figures.push({ name: `counting a record, ${name}`, measured: micros(perRecord), ratio })
  }
  await on.kms.close()
  return { circumstances: ['memory', 'a clock of the bench'], figures }
}

/** Logs of growing length: an hour of work at once, then months of it hour by hour. */
async function rowsRead(on: Counted, { operations }: Run): Promise<Figure[]> {
  const figures: Figure[] = []
  const steps = [
    { hours: 1, perHour: operations, atOnce: 200 },
    { hours: 31 * 24 + 22, perHour: 2, atOnce: 2 },
    { hours: 1, perHour: operations, atOnce: 50 },
  ]
  for (const step of steps) {
    await work(on, step)
    const rows = await rowsOfMetrics(on)
    const size = (await on.kms.ops.health()).chain?.size ?? 0
    figures.push(rowsFigure(`ops.metrics, 30 days, ${size} records`, rows))
  }
  return [...figures, ...(await firstCalls(on))]
}

/** The calls that read most: the first ones of an hour, where a busy one is over, after pauses of every length. */
async function firstCalls(on: Counted): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const hours of [1, 24, 24 * 40]) {
    await work(on, { hours: 1, perHour: 1240, atOnce: 40 })
    on.clock.advance((hours - 1) * 3_600_000)
    const rows: number[] = []
    for (let call = 0; call < 40; call++) {
      on.reset()
      await on.kms.ops.metrics({ window: '30d' })
      rows.push(on.asked.rowsRead)
    }
    figures.push(rowsFigure(`   most of the first after ${hours} h`, Math.max(...rows)))
  }
  return figures
}

function rowsFigure(name: string, rows: number): Figure {
  return { name, measured: `${rows} rows`, ratio: { value: rows / mostRows, of: `× ${mostRows} rows`, atMost: 1 } }
}

async function statements(on: Counted): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const atOnce of [1, 16, 256]) {
    on.reset()
    await work(on, { hours: 2, perHour: 2560, atOnce })
    const { writes, batches } = on.asked
    const all = writes.reduce((sum, count) => sum + count, 0)
    figures.push(
      { name: `${atOnce} at a time: statements for counts`, measured: `${all} of ${batches}` },
      { name: '   of any batch', ratio: { value: Math.max(...writes), of: 'at most', atMost: 1 } },
    )
  }
  return figures
}

/** Seconds that counting takes for one record of a full batch, with a storage that does nothing. */
async function countingTime({ rounds }: Run, keys: number): Promise<number> {
  const clock = { now: () => Date.UTC(2026, 0, 1), monotonic: () => 0 }
  const counter = new UsageCounter(clock)
  const tx = { range: async () => [], append: async () => undefined } as unknown as StorageTransaction
  const times: number[] = []
  let head = emptyHead('default')
  for (let round = 0; round < 50 * rounds; round++) {
    const chain = new ChainBuilder(head, { id: 'w', nextSeq: head.size, now: clock.now(), monotonic: 0 })
    for (let index = 0; index < batchRecords; index++) {
      const actor = { id: 'owner', role: 'admin' } as const
      chain.append({ action: 'encrypt', actor, status: 'SUCCESS', keyId: `key ${index % keys}`, startedAt: 0 })
    }
    const answers: Promise<unknown>[] = []
    const takeOver = (answer: Promise<unknown>): void => void answers.push(answer)
    const batch: LinkedBatch = { before: head, head: chain.head(1), chain, written: Promise.resolve(), takeOver }
    const count = async (): Promise<void> => {
      await counter.write(tx, batch)
      await Promise.all(answers)
    }
    times.push(await seconds(count))
    counter.committed()
    head = batch.head
  }
  return median(times) / batchRecords
}
