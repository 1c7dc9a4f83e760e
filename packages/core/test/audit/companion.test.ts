import { beforeEach, describe, expect, test } from 'vitest'
import type { BatchCompanion, LinkedBatch } from '../../src/audit/companion.ts'
import { ConflictError } from '../../src/errors.ts'
import { StorageFailure } from '../../src/storage/errors.ts'
import { Bench } from '../support/audit-committer.ts'
import { changeOf, draft, namedUse } from '../support/audit-entries.ts'
import { altered } from '../support/audit-storage.ts'

let heard: string[]
let bench: Bench

/** Writes a row with every batch, and says what it hears. */
const keeping: BatchCompanion = {
  write: async (tx, { before, head, chain }) => {
    heard.push(`write ${before.size} to ${head.size}: ${chain.drafts.map(({ action }) => action).join(' ')}`)
    await tx.insert('principals', { ...row, id: String(head.size) })
  },
  committed: ({ head }) => void heard.push(`committed ${head.size}`),
  failed: ({ head }) => void heard.push(`failed ${head.size}`),
}
const row = {
  tenant: 'default',
  active: 1,
  createdAt: 0,
  stateChangedAt: 0,
  stateChangedBy: '',
  stateReason: null,
  rev: 1,
}
const kept = async (): Promise<unknown[]> => (await bench.log.shelf.rows('principals')).map(({ id }) => id)

beforeEach(async () => {
  heard = []
  bench = await Bench.on({ records: 3 }, { companions: [keeping] })
})

describe('A companion', () => {
  test('writes in the transaction of the batch, and hears when that is durable', async () => {
    const change = changeOf('c', async (set) => {
      await set.insert('names', { space: 'x', name: 'n', target: 't', kind: 'name' }, () => new ConflictError('taken'))
      return { ...draft, action: 'c' }
    })
    await bench.commit([namedUse('a'), change])
    expect(heard).toEqual(['write 3 to 5: a c', 'committed 5'])
    expect(await kept()).toEqual(['5'])
  })

  test('is handed the records as they are stored, and the root of the tree with them', async () => {
    let linked: LinkedBatch | undefined
    bench = await Bench.on({ records: 3 }, { companions: [{ write: async (_, batch) => void (linked = batch) }] })
    const { head } = await bench.commit([namedUse('a'), namedUse('b')])
    expect(linked?.head).toEqual(head)
    expect(linked?.chain.rows.map((made) => made['text'])).toEqual((await bench.records(3)).map(({ text }) => text))
    bench.clock.advance(1000)
    expect(await bench.log.verify()).toMatchObject({ ok: true, records: 5 })
    expect((await bench.log.shelf.rows('checkpoints')).at(-1)?.['note']).toContain(
      linked?.chain.root().toString('base64'),
    )
  })

  test('is asked while the records are on their way, and what these fail by is what the batch fails by', async () => {
    const lost = new Error('lost')
    const told: string[] = []
    const asking: BatchCompanion = {
      write: async (_, { written }) => {
        told.push('asked')
        await written.catch((error: Error) => told.push(error.message))
        throw new Error('a consequence')
      },
    }
    bench = await Bench.on({ records: 3 }, { companions: [asking] })
    const append = async (table: string): Promise<void> => {
      if (table !== 'records') return
      await new Promise((resolve) => void setImmediate(resolve))
      told.push('written')
      throw lost
    }
    bench.between.write = (tx) => altered(tx, { append })
    await expect(bench.commit([namedUse('a')])).rejects.toBe(lost)
    expect(told).toEqual(['asked', 'written', 'lost'])
  })

  test('is not asked where there is nothing to record', async () => {
    await bench.commit([{ ...namedUse('a'), revision: -1, holds: async () => false }])
    expect(heard).toEqual([])
  })

  test('fails the batch with what it throws, and those before it hear so', async () => {
    const lost = new Error('lost')
    const failing: BatchCompanion = { write: async () => Promise.reject(lost) }
    bench = await Bench.on({ records: 3 }, { companions: [keeping, failing] })
    await expect(bench.commit([namedUse('a')])).rejects.toBe(lost)
    expect(heard).toEqual(['write 3 to 4: a', 'failed 4'])
    expect(await kept()).toEqual([])
    expect(await bench.records()).toHaveLength(3)
  })

  test.each([
    ['none', false],
    ['unknown', false],
    ['unknown', true],
  ] as const)('hears of a commit with outcome %s, applied %s, what became of it', async (outcome, applied) => {
    const lost = new StorageFailure('lost', { transient: true, outcome })
    bench.between.transact = applied ? doneBut(lost) : undoing(lost)
    const commit = bench.commit([namedUse('a')])
    if (applied) await commit
    else await expect(commit).rejects.toBe(lost)
    expect(heard).toEqual(['write 3 to 4: a', applied ? 'committed 4' : 'failed 4'])
    expect(await kept()).toEqual(applied ? ['4'] : [])
  })
})

/** Runs a transaction, undoes it, and says that it failed. */
function undoing(error: Error): NonNullable<Bench['between']['transact']> {
  return async (next) => {
    delete bench.between.transact
    const shelf = await bench.log.shelf.copy()
    await next()
    bench.log.shelf.memory = shelf.memory
    throw error
  }
}

/** Runs a transaction, and says that it failed. */
function doneBut(error: Error): NonNullable<Bench['between']['transact']> {
  return async (next) => {
    delete bench.between.transact
    await next()
    throw error
  }
}
