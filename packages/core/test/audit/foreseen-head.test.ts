import { beforeEach, describe, expect, test } from 'vitest'
import { emptyHead } from '../../src/audit/chain.ts'
import type { LinkedBatch } from '../../src/audit/companion.ts'
import type { Entry } from '../../src/audit/entry.ts'
import type { Seen } from '../../src/audit/head-guard.ts'
import { isSameHead } from '../../src/audit/head.ts'
import type { StorageTransaction } from '../../src/storage/adapter.ts'
import type { Row } from '../../src/storage/table.ts'
import { Bench } from '../support/audit-committer.ts'
import { changeOf, namedUse } from '../support/audit-entries.ts'
import { shortly } from '../support/audit-log.ts'
import { altered } from '../support/audit-storage.ts'
import { codeOf, settle } from '../support/audit-world.ts'

let bench: Bench
/** For each transaction, what it asked and what it was answered, in order. */
let asked: string[][]
beforeEach(async () => {
  bench = await Bench.on({ records: 3 })
  await bench.commit([namedUse('first')])
  await bench.commit([namedUse('second')])
  watch()
})

function watch(): void {
  asked = []
  bench.between.write = (tx) => {
    const calls: string[] = []
    asked.push(calls)
    return altered(tx, {
      range: async (table, range) => {
        const rows = await tx.range(table, range)
        // An answer takes longer than whatever needs none.
        for (let turn = 0; turn < 100; turn++) await Promise.resolve()
        if (table === 'heads') calls.push('head read')
        return rows
      },
      append: async (table, rows) => {
        if (table === 'records') calls.push('records asked for')
        return tx.append(table, rows)
      },
    })
  }
}

/** Does something when the next batch has asked for its head, and begins to link. It waits for that. */
function whileItWaits(work: () => unknown): void {
  bench.between.write = (tx) => {
    delete bench.between.write
    const range: StorageTransaction['range'] = async (table, asked) => {
      const rows = tx.range(table, asked)
      await work()
      return rows
    }
    return altered(tx, { range })
  }
}

/** It takes long. */
const timePasses = async (): Promise<void> => {
  await settle()
  bench.clock.advance(1000)
}

/** Somebody else here looks at the state, and finds that it has moved. */
const stateMoves = (): void => bench.cache.restart(bench.cache.revision + 1)

const ahead = ['records asked for', 'head read']
const after = ['head read', 'records asked for']
const newestHead = async (): Promise<Row> => (await bench.log.shelf.rows('heads')).at(-1) as Row

describe('the head that the batch before has left', () => {
  test('is linked to before it is read', async () => {
    await bench.commit([namedUse('a'), namedUse('b')])
    await bench.commit([namedUse('c')])
    expect(asked).toEqual([ahead, ahead])
    expect((await bench.records(3)).map((row) => row['action'])).toEqual(['first', 'second', 'a', 'b', 'c'])
    expect(shortly(await bench.log.verify())).toBe('ok')
  })

  test.each<[string, () => Entry]>([
    ['a change', () => changeOf('c')],
    ['a use of another revision', () => namedUse('u', { revision: 7 })],
    ['a use that is done inside', () => namedUse('u', { inside: async () => namedUse('u') })],
    ['a use that has to be decided again by now', () => namedUse('u', { validUntil: bench.clock.now() })],
  ])('is read first for %s', async (_, entry) => {
    await bench.commit([namedUse('a'), entry()])
    expect(asked).toEqual([after])
  })

  test('is read first where the state is known to have moved', async () => {
    bench.cache.restart(1)
    await bench.commit([namedUse('u')])
    expect(asked[0]?.[0]).toBe('head read')
  })

  test('is read first where a newer one was heard of', async () => {
    const other = new Bench(bench.log, { randomness: 'another' })
    bench.guard.saw((await other.commit([namedUse('theirs')])).head)
    await bench.commit([namedUse('u')])
    expect(asked).toEqual([after])
  })
})

describe('E81 another head than the one that was foreseen', () => {
  test('is linked to, in a transaction of its own, and is read first until nobody else writes', async () => {
    const other = new Bench(bench.log, { randomness: 'another' })
    await other.commit([namedUse('theirs')])
    for (const name of ['a', 'b', 'c', 'd']) await bench.commit([namedUse(name)])
    expect(asked).toEqual([ahead, after, after, ahead, ahead])
    const names = ['first', 'second', 'theirs', 'a', 'b', 'c', 'd']
    const ours = (await bench.records(3)).filter((row) => row['action'] !== 'theirs')
    expect(ours.map((row) => row['writerSeq'])).toEqual([0, 1, 2, 3, 4, 5])
    expect((await bench.records(3)).map((row) => row['action'])).toEqual(names)
    expect(shortly(await bench.log.verify())).toBe('ok')
  })

  test('is refused where nobody has the key for it', async () => {
    const head = await newestHead()
    await bench.log.shelf.edit('heads', ['default', head['size'] as number], (row) => ({ ...row, ts: 1 }))
    expect(await codeOf(bench.commit([namedUse('a')]))).toBe('STORAGE_TAMPERED')
    expect(asked).toEqual([ahead, ['head read']])
    expect(await bench.records()).toHaveLength(5)
  })

  test('is a rollback where it is older', async () => {
    const head = await newestHead()
    await bench.log.shelf.tamper(async (tx) => tx.remove('heads', ['default', head['size'] as number]))
    expect(await codeOf(bench.commit([namedUse('a')]))).toBe('ROLLBACK_DETECTED')
    expect(await bench.records()).toHaveLength(5)
  })

  test('counts for a batch that has nothing to write', async () => {
    const head = await newestHead()
    await bench.log.shelf.edit('heads', ['default', head['size'] as number], (row) => ({ ...row, ts: 1 }))
    whileItWaits(stateMoves)
    expect(await codeOf(bench.commit([namedUse('late', { holds: async () => false })]))).toBe('STORAGE_TAMPERED')
  })

  test('counts where what was linked ahead of it failed', async () => {
    const other = new Bench(bench.log, { randomness: 'another' })
    await other.commit([namedUse('theirs')])
    let tries = 0
    const holds = async (): Promise<boolean> => {
      tries += 1
      if (tries === 1) throw new Error('this state is not there any more')
      return true
    }
    const use = namedUse('late', { holds })
    whileItWaits(stateMoves)
    const { seqs } = await bench.commit([use])
    expect([seqs.get(use), tries]).toEqual([6, 2])
  })
})

describe('E81 a head that is another is known', () => {
  test('before anybody asks for it, and nobody is surprised', async () => {
    await new Bench(bench.log, { randomness: 'another' }).commit([namedUse('theirs')])
    const holds = async (): Promise<boolean> => settle(3).then(() => true)
    const use = namedUse('slow', { holds })
    whileItWaits(stateMoves)
    expect((await bench.commit([use])).seqs.get(use)).toBe(6)
  })

  test('where nothing is written besides the records', async () => {
    bench = new Bench(bench.log, { randomness: 'bare', isBare: true })
    for (const name of ['a', 'b']) await bench.commit([namedUse(name)])
    const head = await newestHead()
    await bench.log.shelf.edit('heads', ['default', head['size'] as number], (row) => ({ ...row, ts: 1 }))
    expect(await codeOf(bench.commit([namedUse('c')]))).toBe('STORAGE_TAMPERED')
    expect(await bench.records()).toHaveLength(7)
  })

  test('to what is written besides: it hears of a batch that failed, and is asked to write for the next', async () => {
    const heard: [string, number][] = []
    const note = (what: string) => (batch: LinkedBatch) => void heard.push([what, batch.before.size])
    const [write, failed, committed] = [note('write'), note('failed'), note('committed')]
    const companion = { write: async (_: unknown, batch: LinkedBatch) => write(batch), failed, committed }
    bench = new Bench(bench.log, { randomness: 'third', companions: [companion] })
    for (const name of ['a', 'b']) await bench.commit([namedUse(name)])
    await new Bench(bench.log, { randomness: 'another' }).commit([namedUse('theirs')])
    heard.length = 0
    await bench.commit([namedUse('c')])
    expect(heard).toEqual([
      ['failed', 7],
      ['write', 8],
      ['committed', 8],
    ])
  })
})

describe('E81 while a batch waits for the head that it is linked to', () => {
  const lasting = (ms: number): Entry => {
    const validUntil = bench.clock.now() + ms
    return namedUse('grant', { validUntil, holds: async (_, now) => now < validUntil })
  }

  test('somebody here sees a newer one, and the storage shows the old one: a rollback', async () => {
    const seen = bench.guard.seen as Seen
    whileItWaits(() => bench.guard.saw({ ...seen, size: seen.size + 4 }))
    expect(await codeOf(bench.commit([namedUse('a')]))).toBe('ROLLBACK_DETECTED')
    expect(await bench.records()).toHaveLength(5)
  })

  test('a right ends: what hung on it is decided again, and the others are recorded', async () => {
    const [ends, lasts] = [lasting(1000), lasting(1001)]
    whileItWaits(timePasses)
    const { seqs } = await bench.commit([lasts, ends])
    expect([seqs.get(ends), seqs.get(lasts)]).toEqual([undefined, 5])
    const [, , , , , row] = await bench.records()
    expect(row?.['ts']).toBe(bench.clock.now())
    expect(await bench.records()).toHaveLength(6)
  })

  test('no right ends: the time of the record is that of its linking', async () => {
    const [began, lasts] = [bench.clock.now(), lasting(1001)]
    whileItWaits(timePasses)
    await bench.commit([lasts])
    expect((await bench.records(5)).map((row) => row['ts'])).toEqual([began])
  })
})

describe('heads are the same', () => {
  const head = { ...emptyHead('default'), size: 7 }

  test('where nothing differs', () => {
    expect(isSameHead(head, { ...head, headHash: Buffer.alloc(32) })).toBe(true)
  })

  test.each([
    ['size', 8],
    ['epoch', 2],
    ['headHash', Buffer.alloc(32, 1)],
    ['stateRoot', Buffer.alloc(32, 1)],
  ])('only with the same %s', (name, value) => {
    expect(isSameHead(head, { ...head, [name]: value })).toBe(false)
  })
})
