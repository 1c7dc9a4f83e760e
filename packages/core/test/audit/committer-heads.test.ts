import { beforeEach, describe, expect, test } from 'vitest'
import { limits } from '../../src/internal/defaults.ts'
import type { Row } from '../../src/storage/table.ts'
import type { ChangeEntry } from '../../src/audit/entry.ts'
import type { Seen } from '../../src/audit/head-guard.ts'
import { ConflictError } from '../../src/errors.ts'
import type { StorageTransaction } from '../../src/storage/adapter.ts'
import { Bench } from '../support/audit-committer.ts'
import { changeOf, draft, namedUse } from '../support/audit-entries.ts'
import { shortly } from '../support/audit-log.ts'
import { codeOf } from '../support/audit-world.ts'
import { altered } from '../support/audit-storage.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.on({ records: 3 })
})

describe('checkpoints', () => {
  const sizes = async (): Promise<unknown[]> => (await bench.log.shelf.rows('checkpoints')).map((row) => row['size'])

  test('are written with the first batch, and then once a second at most', async () => {
    await bench.commit([namedUse('a')])
    await bench.commit([namedUse('b')])
    bench.clock.advance(999)
    await bench.commit([namedUse('c')])
    bench.clock.advance(1)
    await bench.commit([namedUse('d')])
    expect(await sizes()).toEqual([4, 7])
    expect(shortly(await bench.log.verify())).toBe('ok')
    expect(bench.checkpoints.isBehind(7)).toBe(false)
  })
})

describe('heads', () => {
  const sizes = async (): Promise<number[]> => (await bench.log.shelf.rows('heads')).map((row) => row['size'] as number)

  test('are inserted, one for each batch, and the old ones are trimmed now and then', async () => {
    expect(limits.trimEveryBatches).toBe(64)
    const theirs = { ...((await bench.log.shelf.rows('heads'))[0] as Row), tenant: 'another' }
    await bench.log.shelf.tamper(async (tx) => {
      for (let size = 1; size <= 20; size++) await tx.insert('heads', { ...theirs, size })
    })
    for (let batch = 0; batch < 63; batch++) await bench.commit([namedUse('a')])
    expect(await sizes()).toEqual(Array.from({ length: 64 }, (_, index) => index + 3))
    await bench.commit([namedUse('a')])
    expect(await sizes()).toEqual([60, 61, 62, 63, 64, 65, 66, 67])
    for (let batch = 0; batch < 64; batch++) await bench.commit([namedUse('a')])
    expect(await bench.log.shelf.rows('heads', 'another')).toHaveLength(20)
    expect(await sizes()).toEqual([124, 125, 126, 127, 128, 129, 130, 131])
    expect(shortly(await bench.log.verify())).toBe('ok')
  })

  test('of which there are very many are trimmed a few at a time', async () => {
    const [head] = await bench.log.shelf.rows('heads')
    const other = { ...(head as Row), tenant: 'default' }
    bench = await Bench.on({ records: 400 })
    await bench.log.shelf.tamper(async (tx) => {
      for (let size = 1; size <= 300; size++) await tx.insert('heads', { ...other, size })
    })
    for (let batch = 0; batch < 64; batch++) await bench.commit([namedUse('a')])
    const left = await sizes()
    expect(left[0]).toBe(249)
    expect(left).toHaveLength(300 + 65 - 248)
  })
})

describe('E81 a head that is older than one seen while the transaction waited for its lock', () => {
  /** The transaction is told of this head, of a log of 4 records; by then the process has seen another. */
  const told = async (seen: () => Promise<Seen>): Promise<void> => {
    await bench.commit([namedUse('a')])
    const head = (await bench.log.shelf.rows('heads')).at(-1) as Row
    const elsewhere = await seen()
    bench.between.write = (tx) => {
      delete bench.between.write
      const range = async (): Promise<Row[]> => {
        bench.guard.saw(elsewhere)
        return [head]
      }
      return altered(tx, { range })
    }
  }

  test('is a rollback, and nothing is written after it', async () => {
    await told(async () => ({ ...(bench.guard.seen as Seen), size: 9 }))
    expect(await codeOf(bench.commit([namedUse('b')]))).toBe('ROLLBACK_DETECTED')
    expect(await bench.records()).toHaveLength(4)
  })

  test('is none where the lock was lost: the next attempt sees the newest', async () => {
    const other = new Bench(bench.log)
    await told(async () => {
      // Both have the same randomness, and so the same writer until they notice.
      await other.commit([namedUse('theirs')]).catch(() => undefined)
      return (await other.commit([namedUse('theirs')])).head
    })
    await bench.commit([namedUse('b')])
    expect(await bench.records()).toHaveLength(6)
    expect(shortly(await bench.log.verify())).toBe('ok')
  })
})

describe('E71 a savepoint that fails', () => {
  const lost = new Error('lost')
  const change = (): ChangeEntry =>
    changeOf('c', async (set) => {
      await set.insert('names', { space: 'x', name: 'n', target: 't', kind: 'name' }, () => new ConflictError('taken'))
      return { ...draft, action: 'c' }
    })

  test.each<[string, StorageTransaction['savepoint']]>([
    ['before its step', async () => Promise.reject(lost)],
    ['after its step', async (step) => step().then(async () => Promise.reject(lost))],
  ])('%s fails the batch: nothing of it is taken for a refusal', async (_, savepoint) => {
    bench.between.write = (tx) => altered(tx, { savepoint })
    await expect(bench.commit([namedUse('u'), change()])).rejects.toBe(lost)
    expect(await bench.records()).toHaveLength(3)
    expect(await bench.log.shelf.rows('names')).toEqual([])
    delete bench.between.write
    await bench.commit([namedUse('u'), change()])
    expect((await bench.records(3)).map((row) => row['status'])).toEqual(['SUCCESS', 'SUCCESS'])
  })

  test('while it undoes what was refused fails the batch: nobody knows what is undone', async () => {
    const refusing = changeOf('r', async () => Promise.reject(new ConflictError('no')))
    const savepoint: StorageTransaction['savepoint'] = async (step) => step().catch(async () => Promise.reject(lost))
    bench.between.write = (tx) => altered(tx, { savepoint })
    await expect(bench.commit([namedUse('u'), refusing])).rejects.toBe(lost)
    expect(await bench.records()).toHaveLength(3)
  })

  test.each([[undefined], [lost]])('and a storage that fails with %s inside it, fail the batch too', async (error) => {
    const insert: StorageTransaction['insert'] = async () => Promise.reject(error as Error)
    bench.between.write = (tx) => altered(tx, { insert })
    await expect(bench.commit([change()])).rejects.toBe(error)
    expect(await bench.records()).toHaveLength(3)
  })

  test('a change that fails for no reason of the storage is refused alone, and says so', async () => {
    const bug = changeOf('bug', async () => Promise.reject(new Error('a bug')))
    const failed: unknown[] = []
    const refused = (error: unknown): typeof draft => {
      failed.push(error)
      return draft
    }
    const { seqs } = await bench.commit([{ ...bug, refused }, change()])
    expect(failed).toEqual([new Error('a bug')])
    expect([...seqs.values()]).toEqual([3, 4])
    expect((await bench.records(3)).map((row) => row['action'])).toEqual(['encrypt', 'c'])
  })
})
