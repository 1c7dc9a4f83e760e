import { StorageFailure } from '@chatelaine/core/storage'
import type { StorageTransaction } from '@chatelaine/core/storage'
import { expect } from 'vitest'
import type { Bench, Section } from './bench.ts'
import { expectConflict, expectRefused, failureOf, rejection, signalled, turns } from './expectations.ts'
import { idsOf, thing } from './sample.ts'

/** Counts by one, in a way that loses counts unless nobody else counts at the same time. */
export async function count({ storage }: Pick<Bench, 'storage'>, tenant = 'default'): Promise<void> {
  await storage.transact(tenant, async (tx) => {
    const row = await tx.get('things', [tenant, 'counter'])
    const place = Number(row?.['place'])
    const rev = Number(row?.['rev'])
    await turns(1)
    await tx.replace('things', thing('counter', { tenant, rev: rev + 1, place: place + 1 }), rev)
  })
}

const late = (kept: StorageTransaction | undefined): readonly (() => Promise<unknown> | undefined)[] => [
  () => kept?.insert('things', thing('late')),
  () => kept?.get('things', ['default', 'late']),
  () => kept?.range('things', { prefix: [], limit: 1 }),
  () => kept?.replace('things', thing('a', { rev: 2 }), 1),
  () => kept?.remove('things', ['default', 'a']),
  () => kept?.append('things', [thing('late')]),
  () => kept?.savepoint(async () => undefined),
]

async function keptAfter({ storage }: Bench): Promise<StorageTransaction | undefined> {
  let kept: StorageTransaction | undefined
  await storage.transact('default', async (tx) => {
    kept = tx
    await tx.insert('things', thing('a'))
  })
  return kept
}

const atomicity: Section = {
  'a transaction returns what its function returns, and reads its own writes': async (bench) => {
    await bench.put(thing('gone'), thing('old', { place: 1 }))
    const result = await bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a', { place: 2 }))
      await tx.append('things', [thing('b', { place: 3 })])
      await tx.replace('things', thing('old', { place: 9, rev: 2 }), 1)
      await tx.remove('things', ['default', 'gone'])
      expect(await tx.get('things', ['default', 'gone'])).toBeUndefined()
      expect(await tx.get('things', ['default', 'old'])).toMatchObject({ place: 9 })
      return tx.range('things', { index: 'by_place', prefix: ['default'], limit: 9 })
    })
    expect(idsOf(result)).toEqual(['a', 'b', 'old'])
    expect(await bench.storage.transact('default', async () => undefined)).toBeUndefined()
  },
  'a transaction that throws leaves nothing, and its error is thrown on': async (bench) => {
    const error = new Error('changed my mind')
    await bench.put(thing('old'), thing('older'))
    const failed = bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      await tx.replace('things', thing('old', { rev: 2 }), 1)
      await tx.remove('things', ['default', 'older'])
      throw error
    })
    expect(await rejection(failed)).toBe(error)
    expect(await bench.all()).toEqual([thing('old'), thing('older')])
    await bench.put(thing('a'))
  },
  'a function that throws before it gives a promise ends its transaction': async (bench) => {
    const error = new Error('at once')
    const thrownAtOnce = bench.storage.transact('default', () => {
      throw error
    })
    expect(await rejection(thrownAtOnce)).toBe(error)
    await bench.put(thing('a'))
  },
  'a transaction is never tried again by the adapter': async (bench) => {
    const errors = [
      new StorageFailure('for a moment', { transient: true, outcome: 'none' }),
      new StorageFailure('who knows', { transient: true, outcome: 'unknown' }),
      new Error('for good'),
    ]
    for (const error of errors) {
      let runs = 0
      const failed = bench.storage.transact('default', async () => {
        runs += 1
        throw error
      })
      expect(await rejection(failed)).toBe(error)
      expect(runs).toBe(1)
    }
    await bench.put(thing('a'))
    await expectConflict(bench.put(thing('b'), thing('a')))
    expect(idsOf(await bench.all())).toEqual(['a'])
  },
}

const ends: Section = {
  'a transaction that is over can be used no more': async (bench) => {
    const kept = await keptAfter(bench)
    for (const use of late(kept)) expect((await failureOf(Promise.resolve(use()))).transient).toBe(false)
    expect(await bench.all()).toEqual([thing('a')])
  },
  'a transaction that is over cannot write into the next one': async (bench) => {
    const kept = await keptAfter(bench)
    await bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('b'))
      for (const use of late(kept)) await failureOf(Promise.resolve(use()))
      await failureOf(Promise.resolve(kept?.savepoint(() => Promise.reject(new Error('late')))))
    })
    expect(await bench.all()).toEqual([thing('a'), thing('b')])
  },
  'what is refused or clashes does not end the transaction': async (bench) => {
    await bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      await expectRefused(tx.insert('things', thing('b', { place: 0.5 })))
      await expectConflict(tx.remove('things', ['default', 'nobody']))
      await tx.insert('things', thing('c'))
    })
    expect(idsOf(await bench.all())).toEqual(['a', 'c'])
  },
}

/** What fails although the transaction has said its last word by then. */
const failing: readonly ((tx: StorageTransaction) => Promise<unknown>)[] = [
  (tx) => tx.append('things', [thing('b'), thing('taken')]),
  (tx) => tx.insert('things', thing('taken')),
  (tx) => tx.remove('things', ['default', 'nobody']),
  (tx) => tx.append('things', [thing('c', { place: 0.5 })]),
]

const lastWords: Section = {
  'what was asked for before the last word is there when the transaction has returned': async (bench) => {
    for (const early of [true, false]) {
      const write = async (tx: StorageTransaction): Promise<string> => {
        const asked = [tx.append('things', [thing(`a ${early}`)]), tx.append('things', [thing(`b ${early}`)])]
        tx.last?.()
        await Promise.all(asked)
        return 'done'
      }
      expect(await bench.storage.transact('default', write, { early })).toBe('done')
    }
    expect(idsOf(await bench.all())).toEqual(['a false', 'a true', 'b false', 'b true'])
  },
  'a transaction of which something fails after its last word leaves nothing': async (bench) => {
    await bench.put(thing('taken'))
    for (const fail of failing) {
      let reason: unknown
      const failed = bench.storage.transact('default', async (tx) => {
        const asked = [tx.append('things', [thing('a')]), fail(tx), tx.append('things', [thing('z')])]
        tx.last?.()
        const settled = await Promise.allSettled(asked)
        reason = settled.find((answer) => answer.status === 'rejected')?.reason
        throw reason
      })
      expect(await rejection(failed)).toBe(reason)
      expect(idsOf(await bench.all())).toEqual(['taken'])
    }
    await bench.put(thing('a'))
  },
}

/** Transactions: all or nothing, and one at a time. */
export const transactions: Section = {
  ...atomicity,
  ...lastWords,
  ...ends,
  'transactions of one tenant run one after the other, and none is lost': async (bench) => {
    await bench.put(thing('counter', { rev: 0 }))
    await Promise.all(Array.from({ length: 25 }, () => count(bench)))
    expect(await bench.get('counter')).toMatchObject({ rev: 25, place: 25 })
  },
  'from before its first read until its commit no other transaction of the tenant runs': async (bench) => {
    let running = 0
    const most: number[] = []
    const run = (id: string): Promise<void> =>
      bench.storage.transact('default', async (tx) => {
        running += 1
        await turns(2)
        await tx.insert('things', thing(id))
        most.push(running)
        running -= 1
      })
    await Promise.all(['a', 'b', 'c', 'd'].map(run))
    expect(most).toEqual([1, 1, 1, 1])
  },
  'waiting for a transaction does not stop the event loop': async (bench) => {
    const proceed = signalled()
    const first = bench.storage.transact('default', () => proceed.reached)
    const second = bench.put(thing('a'))
    await turns(20)
    expect(await bench.get('a')).toBeUndefined()
    proceed.reach()
    await Promise.all([first, second])
    expect(await bench.get('a')).toBeDefined()
  },
  'transactions of several tenants do not mix': async (bench) => {
    const tenants = ['one', 'two', 'three']
    const counters = tenants.map((tenant) => thing('counter', { tenant, rev: 0 }))
    await bench.storage.transact('default', (tx) => tx.append('things', counters))
    await bench.storage.transact('default', (tx) =>
      tx.append(
        'locks',
        tenants.map((tenant) => ({ tenant })),
      ),
    )
    await Promise.all(Array.from({ length: 24 }, (_, at) => count(bench, tenants[at % 3])))
    expect((await bench.all()).map((row) => row['place'])).toEqual([8, 8, 8])
  },
}
