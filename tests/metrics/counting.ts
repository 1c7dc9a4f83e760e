import { passThrough } from '@chatelaine/conformance'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { StorageFailure } from '@chatelaine/core/storage'
import { fakeClock, type FakeClock } from '@chatelaine/core/testing'
import { memoryStorage } from '@chatelaine/storage-memory'

/** What a KMS asked of its storage. */
export interface Asked {
  /** How many rows it was given. */
  rowsRead: number
  /** How many of them are counts. */
  countsRead: number
  /** Transactions that wrote records. */
  batches: number
  /** Of each of them, how many statements wrote counts. */
  readonly writes: number[]
  /** Set while the storage takes no counts. */
  fails: boolean
}

/** A KMS on memory whose storage is watched. */
export interface Counted {
  readonly kms: Kms
  readonly clock: FakeClock
  readonly asked: Asked
  /** Forgets what was asked so far. */
  reset(): void
}

const full = new StorageFailure('there is no room for counts', { transient: false, outcome: 'none' })
const hourMs = 3_600_000
const writing = new Set(['transact.insert', 'transact.replace', 'transact.remove', 'transact.append'])

/** Opens one. */
export async function counted(): Promise<Counted> {
  const asked: Asked = { rowsRead: 0, countsRead: 0, batches: 0, writes: [], fails: false }
  let writes = 0
  const storage = passThrough(memoryStorage(), ({ name, table }) => {
    if (name === 'transact') writes = 0
    if (table === 'usage' && writing.has(name)) writes += 1
    if (asked.fails && table === 'usage' && name === 'transact.append') throw full
    return ({ rows = 0, ok }) => {
      asked.rowsRead += rows
      if (table === 'usage') asked.countsRead += rows
      if (ok && name === 'transact.append' && table === 'records') asked.batches += 1
      if (ok && name === 'transact') asked.writes.push(writes)
    }
  })
  const clock = fakeClock(Date.UTC(2026, 0, 1, 5))
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()), clock, timers: clock })
  const reset = (): void => {
    Object.assign(asked, { rowsRead: 0, countsRead: 0, batches: 0 })
    asked.writes.length = 0
  }
  return { kms, clock, asked, reset }
}

/** Makes records: some each hour, for so many hours. */
export async function work(
  { kms, clock }: Counted,
  on: { hours: number; perHour: number; atOnce: number },
): Promise<void> {
  for (let hour = 0; hour < on.hours; hour++) {
    for (let done = 0; done < on.perHour; done += on.atOnce) {
      await Promise.all(Array.from({ length: on.atOnce }, async () => kms.generateRandom({ numberOfBytes: 1 })))
    }
    clock.advance(hourMs)
  }
}

/** How many rows one call of `ops.metrics` is given. */
export async function rowsOfMetrics({ kms, asked, reset }: Counted): Promise<number> {
  // The first call reads what any operation has to know; the second, what metrics cost.
  await kms.ops.metrics({ window: '30d' })
  reset()
  await kms.ops.metrics({ window: '30d' })
  return asked.rowsRead
}
