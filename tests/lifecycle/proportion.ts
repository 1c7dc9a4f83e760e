import { passThrough } from '@chatelaine/conformance'
import { createKms, localRootKey, type Kms } from '@chatelaine/core'
import type { Row, StorageAdapter } from '@chatelaine/core/storage'
import { fakeClock, seededRandomness } from '@chatelaine/core/testing'

const day = 86_400_000
const atOnce = 1000

/** What doing what is due asked of the storage: calls, each writing one row or some, and the rows that it was given. */
export interface DueCost {
  readonly done: number
  readonly reads: number
  readonly writes: number
  readonly rowsRead: number
}

const writing: ReadonlySet<string> = new Set(['insert', 'replace', 'remove', 'append'])

/** A storage, opened by the KMS already where `plant` is called. */
export interface Ground {
  readonly storage: StorageAdapter
  /** How many keys there are besides those that are due and those that are next. */
  readonly others: number
}

/** Lets 10 of many keys be due, and counts what a run asks of the storage. */
export async function costOfDue({ storage, others }: Ground): Promise<DueCost> {
  const clock = fakeClock()
  let reads = 0
  let writes = 0
  let rowsRead = 0
  const counted = passThrough(storage, ({ name }) => {
    const verb = name.split('.').at(-1) as string
    if (verb === 'get' || verb === 'range') reads += 1
    else if (writing.has(verb)) writes += 1
    return ({ rows = 0 }) => {
      rowsRead += rows
    }
  })
  const rootKey = localRootKey(Buffer.from('proportion-proportion-proportion', 'latin1'))
  const kms = await createKms({ storage: counted, rootKey, clock, timers: clock, random: seededRandomness('due') })
  await make(kms, 10, 1)
  // A run looks a little further than what is due: at these.
  await make(kms, 40, 2)
  await plant(storage, others, clock.now() + 1000 * day)
  clock.advance(day)
  reads = 0
  writes = 0
  rowsRead = 0
  const { done } = await kms.scheduler.runDue()
  const cost = { done: done.length, reads, writes, rowsRead }
  await kms.close()
  return cost
}

async function make(kms: Kms, count: number, rotationPeriodDays: number): Promise<void> {
  for (let at = 0; at < count; at++) await kms.keys.create({ spec: 'AES_256', rotationPeriodDays })
}

/** Keys that nobody asks for, with what is due to them later, as rows alone. */
async function plant(storage: StorageAdapter, count: number, wakeAt: number): Promise<void> {
  const [model] = await storage.snapshot(async (view) => view.range('keys', { prefix: ['default'], limit: 1 }))
  for (let first = 0; first < count; first += atOnce) {
    const ids = Array.from({ length: Math.min(atOnce, count - first) }, (_, at) => idOf(first + at))
    await storage.transact('default', async (tx) => {
      await tx.append(
        'keys',
        ids.map((id): Row => ({ ...model, id })),
      )
      const none = { version: 0, toldOf: 0, holder: null, attempts: 0, rev: 1 }
      await tx.append(
        'due',
        ids.map((keyId): Row => ({ tenant: 'default', keyId, wakeAt, ...none })),
      )
    })
  }
}

function idOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
}
