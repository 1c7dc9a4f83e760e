import { beforeEach, describe, expect, test } from 'vitest'
import type { AuditRecord } from '../../src/audit/audit-record.ts'
import { ConflictError, NameTakenError } from '../../src/errors.ts'
import type { ChangeSet } from '../../src/state/change-set.ts'
import type { Query } from '../../src/state/query.ts'
import { changeOf, draft, namedUse, useOf } from '../support/audit-entries.ts'
import { Bench } from '../support/audit-committer.ts'
import { macKey, shortly } from '../support/audit-log.ts'
import { codeOf, parseRow } from '../support/audit-world.ts'
import { reRoot } from '../support/re-root.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.on({ records: 3, isChange: (seq) => seq === 1 })
})

const lock = async (set: ChangeSet, name: string): Promise<void> =>
  set.insert('names', { space: 'x', name, target: 't', kind: 'name' }, () => new NameTakenError('taken'))
const locking = (action: string, name = action) =>
  changeOf(action, async (set) => {
    await lock(set, name)
    return { ...draft, action }
  })
const bodies = async (from = 3): Promise<AuditRecord[]> => (await bench.records(from)).map(parseRow)
const nameOf = (name: string): Query<string | undefined> => ({
  table: 'names',
  key: ['x', name],
  decode: (rows) => rows[0]?.['target'] as string | undefined,
})

describe('a batch', () => {
  test('is uses first, then changes, in their order, and says where each one stands', async () => {
    const entries = [locking('c1'), namedUse('u1'), locking('c2'), namedUse('u2')]
    const { seqs, head } = await bench.commit(entries)
    expect((await bodies()).map(({ action }) => action)).toEqual(['u1', 'u2', 'c1', 'c2'])
    expect(entries.map((entry) => seqs.get(entry))).toEqual([5, 3, 6, 4])
    expect(head).toMatchObject({ size: 7, revision: 3, lastChange: 6 })
    expect(bench.guard.seen).toBe(head)
    expect(bench.cache.revision).toBe(3)
    expect(shortly(await bench.log.verify())).toBe('ok')
  })

  test('gives an entry of several records the place of its last', async () => {
    const many = useOf({ drafts: [draft, draft, draft] })
    const change = locking('c')
    const { seqs } = await bench.commit([many, change])
    expect([seqs.get(many), seqs.get(change)]).toEqual([5, 6])
  })

  test('E87 numbers the records of its writer without a gap, and names it', async () => {
    await bench.commit([namedUse('a'), namedUse('b')])
    await bench.commit([locking('c')])
    const records = await bodies()
    expect(records.map(({ writerSeq }) => writerSeq)).toEqual([0, 1, 2])
    expect(new Set(records.map(({ writer }) => writer)).size).toBe(1)
  })

  test('drops from the cache what its changes touch, once they are durable', async () => {
    bench.cache.put(nameOf('a'), 'before', 1)
    bench.cache.put(nameOf('b'), 'before', 1)
    await bench.commit([locking('c', 'a')])
    expect(bench.cache.get(nameOf('a'))).toBeUndefined()
    expect(bench.cache.get(nameOf('b'))).toEqual({ answer: 'before' })
  })

  test('writes its head under the newest epoch', async () => {
    bench.epoch = 7
    await bench.commit([namedUse('a')])
    expect((await bench.log.shelf.rows('heads')).at(-1)).toMatchObject({ size: 4, epoch: 7 })
    expect(shortly(await bench.log.verify())).toBe('ok')
  })

  test('E81 is not written after a head that is not ours, or older than one seen', async () => {
    await bench.commit([namedUse('a')])
    await bench.log.shelf.tamper(async (tx) => {
      await tx.remove('heads', ['default', 4])
      await tx.remove('records', ['default', 3])
    })
    expect(await codeOf(bench.commit([namedUse('b')]))).toBe('ROLLBACK_DETECTED')
    await bench.log.shelf.edit('heads', ['default', 3], (row) => ({ ...row, mac: Buffer.alloc(32) }))
    expect(await codeOf(bench.commit([namedUse('b')]))).toBe('STORAGE_TAMPERED')
    expect(await bench.records()).toHaveLength(3)
  })
})

describe('a use', () => {
  const asking = (answers: boolean, change: object = {}) => {
    const asked: number[] = []
    const holds = async (_: unknown, now: number): Promise<boolean> => asked.push(now) > 0 && answers
    return { asked, use: useOf({ revision: 1, holds, ...change }) }
  }

  test('is not decided again while the state stands and its authority lasts', async () => {
    const { asked, use } = asking(false)
    const { use: lasting } = asking(false, { validUntil: bench.clock.now() + 1 })
    const { seqs } = await bench.commit([use, lasting])
    expect([asked, seqs.get(use), seqs.get(lasting)]).toEqual([[], 3, 4])
  })

  test.each([
    ['the state has moved', { revision: 0 }],
    ['its authority has just ended', { validUntil: Date.UTC(2026, 0, 1) }],
    ['its authority ended before', { validUntil: 0 }],
  ])('is decided again, at the time of the record, when %s', async (_, change) => {
    const yes = asking(true, change)
    const no = asking(false, change)
    const { seqs } = await bench.commit([yes.use, no.use])
    expect([yes.asked, no.asked]).toEqual([[bench.clock.now()], [bench.clock.now()]])
    expect([seqs.get(yes.use), seqs.get(no.use), seqs.has(no.use)]).toEqual([3, undefined, true])
    expect(await bench.records()).toHaveLength(4)
  })

  test('is decided again on what the transaction sees, cached where that is known', async () => {
    await bench.log.shelf.tamper(async (tx) => {
      await tx.insert('names', { tenant: 'default', space: 'x', name: 'n', target: 'stored', kind: 'name', rev: 1 })
      await reRoot(tx, 'default', () => macKey)
    })
    bench.cache.put(nameOf('m'), 'cached', 1)
    const seen: unknown[] = []
    const holds = async (view: { read: (query: Query<unknown>) => unknown }): Promise<boolean> => {
      for (const name of ['n', 'm', 'o']) seen.push(await view.read(nameOf(name)))
      return true
    }
    await bench.commit([useOf({ revision: 0, holds })])
    expect(seen).toEqual(['stored', 'cached', undefined])
    expect(bench.cache.get(nameOf('n'))).toEqual({ answer: 'stored' })
  })

  test('that all have to be done again leave the chain as it is', async () => {
    const { use } = asking(false, { revision: 0 })
    const heads = await bench.log.shelf.rows('heads')
    const { head, seqs } = await bench.commit([use])
    expect([head.size, seqs.get(use)]).toEqual([3, undefined])
    expect(await bench.log.shelf.rows('heads')).toEqual(heads)
    expect(await bench.log.shelf.rows('checkpoints')).toEqual([])
  })

  test('whose decision fails for no reason of ours fails the batch', async () => {
    const holds = async (): Promise<boolean> => Promise.reject(new Error('no disk'))
    await expect(bench.commit([useOf({ revision: 0, holds })])).rejects.toThrow('no disk')
    expect(await bench.records()).toHaveLength(3)
  })
})

describe('a change', () => {
  test('sees what the changes before it left, and nothing of those that failed', async () => {
    const seen: unknown[] = []
    const half = changeOf('half', async (set) => {
      await lock(set, 'half')
      throw new ConflictError('no')
    })
    const look = changeOf('look', async (set) => {
      for (const name of ['a', 'half']) seen.push(await set.read(nameOf(name)))
      return draft
    })
    await bench.commit([locking('a'), half, look])
    expect(seen).toEqual(['t', undefined])
    const records = await bodies()
    expect(records.map(({ change }) => change?.revision)).toEqual([2, undefined, undefined])
    expect(records[1]).toMatchObject({ action: 'half', status: 'FAILURE', code: 'CONFLICT' })
    expect(shortly(await bench.log.verify())).toBe('ok')
  })

  test('is done at the time of the record', async () => {
    let at = 0
    const look = changeOf('look', async (_, now) => {
      at = now
      return draft
    })
    bench.clock.advance(5)
    await bench.commit([look])
    expect(at).toBe(bench.clock.now())
    expect((await bench.records(3))[0]?.['ts']).toBe(at)
  })

  test('names the rows that it touched', async () => {
    await bench.commit([locking('c', 'n')])
    expect((await bodies())[0]?.change).toMatchObject({
      previous: 1,
      revision: 2,
      rows: [{ table: 'names', key: ['x', 'n'], rev: 1 }],
    })
  })

  test('that fails for no reason of ours is refused alone, and the others stay', async () => {
    const poison = changeOf('poison', async (set) => {
      await lock(set, 'p')
      throw new Error('bug')
    })
    await bench.commit([namedUse('a'), locking('b'), poison])
    expect((await bodies()).map(({ action, status }) => `${action} ${status}`)).toEqual(
      expect.arrayContaining(['a SUCCESS', 'b SUCCESS', 'poison FAILURE']),
    )
    expect((await bench.log.shelf.rows('names')).map(({ name }) => name)).toEqual(['b'])
    expect(bench.cache.revision).toBe(2)
  })

  test('E75 whose record would be too long is refused, and fails no other', async () => {
    const long = 'n'.repeat(250)
    const wide = changeOf('wide', async (set) => {
      for (let index = 0; index < 70; index++) await lock(set, `${long}${index}`)
      return { ...draft, action: 'wide' }
    })
    const { seqs } = await bench.commit([namedUse('a'), wide, locking('b')])
    expect(seqs.size).toBe(3)
    expect((await bodies()).map(({ action, code }) => `${action} ${code}`)).toEqual([
      'a undefined',
      'wide LIMIT_EXCEEDED',
      'b undefined',
    ])
    expect(await bench.log.shelf.rows('names')).toHaveLength(1)
    expect(shortly(await bench.log.verify())).toBe('ok')
  })
})
