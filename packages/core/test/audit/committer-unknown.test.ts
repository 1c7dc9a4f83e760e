import { beforeEach, describe, expect, test } from 'vitest'
import { ConflictError } from '../../src/errors.ts'
import { StorageConflict, StorageFailure } from '../../src/storage/errors.ts'
import type { Row } from '../../src/storage/table.ts'
import { Bench } from '../support/audit-committer.ts'
import { draft, changeOf, namedUse, useOf } from '../support/audit-entries.ts'
import { Log, shortly } from '../support/audit-log.ts'
import { codeOf, settle, until, watch } from '../support/audit-world.ts'

let bench: Bench
/** How often a transaction was asked for. */
let asked: number
/** What happens to each transaction: before it, or after it was applied. */
let plan: { before?: () => unknown; after?: () => unknown }[]
beforeEach(async () => {
  bench = await Bench.on({ records: 3 })
  intercept(bench)
})

function intercept(on: Bench): void {
  asked = 0
  plan = []
  on.between.transact = async (next) => {
    asked += 1
    const { before, after } = plan.shift() ?? {}
    await before?.()
    const result = await next()
    await after?.()
    return result
  }
}

const fail = (error: unknown) => (): never => {
  // oxlint-disable-next-line typescript/only-throw-error -- adapters may throw anything
  throw error
}
const lost = new Error('connection lost')
const failure = (outcome: 'none' | 'unknown', transient = false): StorageFailure =>
  new StorageFailure('failed', { transient, outcome })
const locking = (name: string) =>
  changeOf(name, async (set) => {
    await set.insert('names', { space: 'x', name, target: 't', kind: 'name' }, () => new ConflictError('taken'))
    return { ...draft, action: name }
  })

describe('E71 a commit whose outcome nobody knows', () => {
  test.each([
    ['an error of whatever kind', lost],
    ['an unknown outcome', failure('unknown')],
    ['an unknown outcome, for a moment', failure('unknown', true)],
    ['nothing at all', undefined],
  ])('that was applied, with %s: is found, and counts once', async (_, error) => {
    await bench.commit([namedUse('before')])
    asked = 0
    plan = [{ after: fail(error) }]
    const [use, change] = [namedUse('u'), locking('c')]
    const { seqs, head } = await bench.commit([use, change])
    expect([seqs.get(use), seqs.get(change), head.size, asked]).toEqual([4, 5, 6, 2])
    expect(bench.cache.revision).toBe(1)
    expect(bench.guard.seen?.size).toBe(6)
    expect(await bench.records()).toHaveLength(6)
    await bench.commit([namedUse('v')])
    expect((await bench.records(3)).map((row) => row['writerSeq'])).toEqual([0, 1, 2, 3])
    expect(shortly(await bench.log.verify())).toBe('ok')
  })

  test.each([
    ['an error of whatever kind', lost, 2],
    ['an unknown outcome', failure('unknown'), 2],
    ['the word that nothing was applied', failure('none'), 1],
  ])('that was not applied, with %s: fails with it', async (_, error, transactions) => {
    bench.between.transact = async (next) => {
      asked += 1
      if (asked > 1) return next()
      await bench.log.shelf.aside(next)
      throw error
    }
    await expect(bench.commit([namedUse('u')])).rejects.toBe(error)
    expect([asked, (await bench.records()).length, bench.guard.seen?.size]).toEqual([transactions, 3, 3])
    await bench.commit([namedUse('u')])
    expect(await bench.records()).toHaveLength(4)
  })

  test('that never began is not looked for', async () => {
    for (const error of [lost, failure('unknown')]) {
      intercept(bench)
      plan = [{ before: fail(error) }]
      await expect(bench.commit([namedUse('u')])).rejects.toBe(error)
      expect(asked).toBe(1)
    }
  })

  test('that failed for a reason of ours is not looked for', async () => {
    const error = new ConflictError('of ours')
    plan = [{ after: fail(error) }]
    await expect(bench.commit([namedUse('u')])).rejects.toBe(error)
    expect(asked).toBe(1)
  })

  test('is looked for until the storage answers, every 5 ms', async () => {
    plan = [{ after: fail(lost) }, { before: fail(lost) }, { before: fail(failure('none', true)) }]
    const committing = watch(bench.commit([namedUse('u')]))
    await until(() => asked === 2)
    await settle()
    bench.clock.advance(4)
    await settle()
    expect(asked).toBe(2)
    bench.clock.advance(1)
    await until(() => asked === 3)
    await settle()
    bench.clock.advance(5)
    await until(() => committing.state === 'done')
    expect([asked, (await bench.records()).length]).toEqual([4, 4])
  })

  test('is looked for as long as somebody waits', async () => {
    const abandon = new AbortController()
    plan = [{ after: fail(failure('unknown')) }, ...Array.from({ length: 50 }, () => ({ before: fail(lost) }))]
    const committing = watch(bench.commit([namedUse('u')], abandon.signal))
    await until(() => asked === 2)
    await settle()
    abandon.abort()
    bench.clock.advance(5)
    await until(() => committing.state === 'failed')
    expect([committing.error, asked]).toEqual([lost, 3])
  })

  test('of a batch in which all have to be done again, is done', async () => {
    plan = [{ after: fail(lost) }]
    const use = useOf({ revision: -1, holds: async () => false })
    const { seqs } = await bench.commit([use])
    expect([seqs.get(use), asked]).toEqual([undefined, 1])
  })

  test('that the storage did not even run is an error', async () => {
    bench.between.transact = async () => undefined as never
    await expect(bench.commit([namedUse('u')])).rejects.toThrow('the storage did not run the transaction')
    expect(await codeOf(bench.commit([namedUse('u')]))).toBe('STORAGE_UNAVAILABLE')
  })

  test('takes the signal along', async () => {
    const signals: unknown[] = []
    bench.between.transact = async (next, signal) => {
      signals.push(signal)
      if (signals.length > 1) return next()
      await next()
      throw lost
    }
    const { signal } = new AbortController()
    await bench.commit([namedUse('u')], signal)
    expect(signals).toEqual([signal, signal])
  })
})

describe('E86 a writer that was cloned', () => {
  let clone: Bench
  const writers = async (): Promise<unknown[]> => (await bench.records(3)).map((row) => row['writer'])
  beforeEach(() => {
    clone = new Bench(bench.log)
  })

  test('meets the record of the other, and goes on under a new name', async () => {
    await clone.commit([namedUse('theirs')])
    await expect(bench.commit([namedUse('ours')])).rejects.toBeInstanceOf(StorageConflict)
    await bench.commit([namedUse('ours')])
    await bench.commit([namedUse('ours')])
    const [theirs, first, second] = await writers()
    expect(first).not.toBe(theirs)
    expect(second).toBe(first)
    expect((await bench.records(3)).map((row) => row['writerSeq'])).toEqual([0, 0, 1])
    expect(shortly(await bench.log.verify())).toBe('ok')
  })

  test('does not take the record of the other for its own', async () => {
    await bench.commit([namedUse('before')])
    const { shelf } = bench.log
    asked = 0
    bench.between.transact = async (next) => {
      asked += 1
      if (asked > 1) return next()
      const [, , , , ours] = await (await shelf.aside(next)).rows('records')
      // Meanwhile the other writes a record of the same name and number.
      await shelf.tamper(async (tx) => tx.insert('records', { ...(ours as Row), hash: Buffer.alloc(32) }))
      throw lost
    }
    await expect(bench.commit([namedUse('ours')])).rejects.toBe(lost)
    await shelf.tamper(async (tx) => tx.remove('records', ['default', 4]))
    await bench.commit([namedUse('ours')])
    const [first, second] = await writers()
    expect(second).not.toBe(first)
    expect((await bench.records(3)).map((row) => row['writerSeq'])).toEqual([0, 0])
  })
})

describe('a process that is behind', () => {
  const changes = async (count: number, revision: number): Promise<{ behind: Bench; snapshots: () => number }> => {
    const behind = new Bench(await Log.of({ records: count, isChange: () => true }), { revision })
    intercept(behind)
    let snapshots = 0
    behind.between.snapshot = async (next) => {
      snapshots += 1
      return next()
    }
    return { behind, snapshots: () => snapshots }
  }

  test.each([
    { count: 64, revision: 0, transactions: 1, snapshots: 0 },
    { count: 65, revision: 0, transactions: 2, snapshots: 1 },
    { count: 70, revision: 6, transactions: 1, snapshots: 0 },
    { count: 70, revision: 5, transactions: 2, snapshots: 1 },
    { count: 900, revision: 0, transactions: 2, snapshots: 1 },
  ])(
    'by $count changes less $revision: catches up in $transactions transactions and $snapshots snapshots',
    async ({ count, revision, transactions, snapshots }) => {
      const { behind, snapshots: taken } = await changes(count, revision)
      await behind.commit([namedUse('u')])
      expect([asked, taken(), behind.cache.revision]).toEqual([transactions, snapshots, count])
      expect(await behind.records()).toHaveLength(count + 1)
    },
  )

  test('says what it was told when it cannot catch up', async () => {
    const { behind } = await changes(70, 0)
    behind.between.snapshot = async () => fail(lost)()
    await expect(behind.commit([namedUse('u')])).rejects.toBe(lost)
  })

  test('E81 believes no head on the way that is older than one it saw', async () => {
    const { behind } = await changes(70, 0)
    behind.guard.saw({ ...behind.log.head, size: 71 })
    expect(await codeOf(behind.commit([namedUse('u')]))).toBe('ROLLBACK_DETECTED')
  })
})
