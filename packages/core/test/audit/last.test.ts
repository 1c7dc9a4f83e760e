import { describe, expect, test } from 'vitest'
import type { BatchCompanion, LinkedBatch } from '../../src/audit/companion.ts'
import type { StorageTransaction } from '../../src/storage/adapter.ts'
import { Bench } from '../support/audit-committer.ts'
import { namedUse } from '../support/audit-entries.ts'
import { shortly } from '../support/audit-log.ts'
import { altered } from '../support/audit-storage.ts'
import { settle } from '../support/audit-world.ts'

const lost = new Error('connection lost')

/** A bench, what its transactions are asked and answered, and what a companion of it hears. */
async function watchedBench() {
  const heard: string[] = []
  const told: string[] = []
  const counting: BatchCompanion = {
    write: async (tx, { takeOver }) => {
      told.push('write')
      takeOver(tx.append('usage', []))
    },
    committed: () => void told.push('committed'),
    failed: () => void told.push('failed'),
  }
  const bench = await Bench.on({ records: 3 }, { companions: [counting] })
  for (const name of ['a', 'b']) await bench.commit([namedUse(name)])
  bench.between.write = (tx) =>
    altered(tx, {
      append: async (table, rows) => {
        heard.push(`${table}?`)
        const answer = await Promise.allSettled([tx.append(table, rows), settle()])
        heard.push(`${table}!`)
        if (answer[0].status === 'rejected') throw answer[0].reason
      },
      last: () => void heard.push('last'),
    })
  heard.length = told.length = 0
  return { bench, heard, told }
}

describe('The last word of a batch', () => {
  test('is said when everything has been asked for, and nothing is answered yet', async () => {
    const { bench, heard } = await watchedBench()
    await bench.commit([namedUse('c')])
    expect(heard.slice(0, 4)).toEqual(['records?', 'heads?', 'usage?', 'last'])
    expect(heard.slice(4).toSorted()).toEqual(['heads!', 'records!', 'usage!'])
  })

  test('is said of a batch that has nothing to write', async () => {
    const { bench, heard } = await watchedBench()
    await bench.commit([namedUse('c', { revision: -1, holds: async () => false })])
    expect(heard).toEqual(['last'])
  })

  test('is not said where another head is there', async () => {
    const { bench, heard, told } = await watchedBench()
    const other = new Bench(bench.log, { randomness: 'another' })
    await other.commit([namedUse('theirs')])
    await bench.commit([namedUse('c')])
    // The first of them was linked to a head that is not there.
    expect(heard.filter((what) => what === 'records?' || what === 'last')).toEqual(['records?', 'records?', 'last'])
    expect(told).toEqual(['failed', 'write', 'committed'])
  })

  test.each([true, false])(
    'E71 what is lost after it may have been applied, which is found out: applied %s',
    async (isApplied) => {
      const { bench, told } = await watchedBench()
      let answer: Promise<void> = Promise.resolve()
      bench.between.write = (tx) => {
        delete bench.between.write
        const lose = (): void => {
          answer = Promise.reject(lost)
        }
        return altered(tx, { last: lose })
      }
      bench.between.transact = async (next) => {
        delete bench.between.transact
        await (isApplied ? next() : bench.log.shelf.aside(next))
        // An adapter that has sent its commit, and lost the connection.
        return answer as Promise<never>
      }
      const use = namedUse('c')
      const done = bench.commit([use])
      if (isApplied) expect((await done).seqs.get(use)).toBe(5)
      else await expect(done).rejects.toBe(lost)
      expect(told).toEqual(isApplied ? ['write', 'committed'] : ['write', 'failed'])
      await bench.commit([namedUse('d')])
      expect((await bench.records(3)).map((row) => row['action'])).toEqual(
        isApplied ? ['a', 'b', 'c', 'd'] : ['a', 'b', 'd'],
      )
      expect(shortly(await bench.log.verify())).toBe('ok')
    },
  )

  test('E71 an answer that is lost after it: the storage says what became of all of it', async () => {
    const { bench, told } = await watchedBench()
    const unknown = new Error('who knows')
    bench.between.write = (tx) => {
      delete bench.between.write
      const append = async (table: string, rows: Parameters<typeof tx.append>[1]): Promise<void> => {
        await tx.append(table, rows)
        if (table === 'usage') throw lost
      }
      return altered(tx, { append, last: () => undefined })
    }
    bench.between.transact = async (next) => {
      delete bench.between.transact
      // It commits although an answer was lost, and cannot tell.
      await next().catch(() => undefined)
      throw unknown
    }
    await expect(bench.commit([namedUse('c')])).rejects.toBe(unknown)
    expect(told).toEqual(['write', 'failed'])
  })

  test('what fails after it fails the batch, which was not applied: nothing is looked for', async () => {
    const { bench, told } = await watchedBench()
    let transactions = 0
    bench.between.transact = async (next) => {
      transactions += 1
      return next()
    }
    bench.between.write = (tx) => {
      delete bench.between.write
      const append = async (table: string, rows: Parameters<typeof tx.append>[1]): Promise<void> => {
        if (table === 'usage') throw lost
        return tx.append(table, rows)
      }
      return altered(tx, { append })
    }
    await expect(bench.commit([namedUse('c')])).rejects.toBe(lost)
    expect([transactions, told]).toEqual([1, ['write', 'failed']])
    await bench.commit([namedUse('d')])
    expect((await bench.records(3)).map((row) => row['action'])).toEqual(['a', 'b', 'd'])
  })

  test('an answer that fails while companions still read is nobody else’s', async () => {
    const slow: BatchCompanion = {
      write: async (_, { takeOver }: LinkedBatch) => {
        takeOver(Promise.reject(lost))
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => void setImmediate(resolve))
      },
    }
    const bench = await Bench.on({ records: 3 }, { companions: [slow] })
    await expect(bench.commit([namedUse('a')])).rejects.toBe(lost)
  })
})

describe('E72 F98 a storage that hung, and answers late', () => {
  test('gives back no number that others have taken since', async () => {
    const { bench } = await watchedBench()
    const { shelf } = bench.log
    const copy = await shelf.copy()
    const late = Promise.withResolvers<void>()
    const read = Promise.withResolvers<unknown>()
    bench.between.write = (tx) => {
      delete bench.between.write
      const range: StorageTransaction['range'] = async (table, range) => {
        await late.promise
        read.resolve(undefined)
        return table === 'heads' ? [] : tx.range(table, range)
      }
      return altered(tx, { range })
    }
    bench.between.transact = async (next) => {
      delete bench.between.transact
      const { memory } = shelf
      shelf.memory = copy.memory
      next().catch(() => undefined)
      shelf.memory = memory
      await settle()
      // Given up.
      throw lost
    }
    await expect(bench.commit([namedUse('hung')])).rejects.toBe(lost)
    await bench.commit([namedUse('c')])
    late.resolve()
    await read.promise
    await settle()
    await bench.commit([namedUse('d')])
    const rows = (await bench.records(3)).map((row) => [row['action'], row['writerSeq'], row['writer']])
    const writer = rows[0]?.[2]
    expect(rows).toEqual([
      ['a', 0, writer],
      ['b', 1, writer],
      ['c', 3, writer],
      ['d', 4, writer],
    ])
  })
})
