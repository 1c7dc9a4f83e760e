import type { Row } from '@chatelaine/core/storage'
import { expect } from 'vitest'
import type { Bench, Section } from './bench.ts'
import { expectConflict } from './expectations.ts'
import { idsOf, thing } from './sample.ts'

const manyThings = (): Row[] => Array.from({ length: 500 }, (_, at) => thing(`id ${at}`, { place: 500 - at }))

const removals: Section = {
  'a removal needs the row': async (bench) => {
    await bench.put(thing('a'), thing('b'))
    await bench.storage.transact('default', async (tx) => {
      await expectConflict(tx.remove('things', ['default', 'nobody']))
      await tx.remove('things', ['default', 'b'])
      await expectConflict(tx.remove('things', ['default', 'b']))
      await tx.insert('things', thing('b', { label: 'again' }))
    })
    expect(await bench.all()).toEqual([thing('a'), thing('b', { label: 'again' })])
  },
  'a removal needs the rev that it expects': async (bench) => {
    await bench.put(thing('a', { rev: 2 }))
    await bench.storage.transact('default', async (tx) => {
      await expectConflict(tx.remove('things', ['default', 'a'], 1))
      await expectConflict(tx.remove('things', ['default', 'nobody'], 1))
      expect(await tx.get('things', ['default', 'a'])).toBeDefined()
      await tx.remove('things', ['default', 'a'], 2)
    })
    expect(await bench.get('a')).toBeUndefined()
  },
}

const replacements: Section = {
  'a replacement needs the row and the rev that it expects': async (bench) => {
    await bench.put(thing('a', { rev: 4 }))
    await bench.storage.transact('default', async (tx) => {
      await expectConflict(tx.replace('things', thing('b', { rev: 5 }), 4))
      await expectConflict(tx.replace('things', thing('a', { rev: 5 }), 3))
      await tx.replace('things', thing('a', { rev: 5, label: 'new' }), 4)
      await expectConflict(tx.replace('things', thing('a', { rev: 5 }), 4))
    })
    expect(await bench.all()).toEqual([thing('a', { rev: 5, label: 'new' })])
  },
  'of two replacements that expect one rev, in two transactions, one clashes': async (bench) => {
    await bench.put(thing('a'))
    const replace = (label: string): Promise<void> =>
      bench.storage.transact('default', (tx) => tx.replace('things', thing('a', { rev: 2, label }), 1))
    await replace('first')
    await expectConflict(replace('second'))
    expect(await bench.get('a')).toMatchObject({ rev: 2, label: 'first' })
  },
  "a replacement that takes another row's place in a unique index clashes, one that keeps its own does not": async (
    bench,
  ) => {
    await bench.put(thing('a', { label: 'one' }), thing('b', { label: 'two' }))
    await bench.storage.transact('default', async (tx) => {
      await expectConflict(tx.replace('things', thing('b', { label: 'one', rev: 2 }), 1))
      expect(await tx.get('things', ['default', 'b'])).toMatchObject({ label: 'two', rev: 1 })
      await tx.replace('things', thing('b', { label: 'two', place: 9, rev: 2 }), 1)
      await tx.replace('things', thing('a', { label: 'three', rev: 2 }), 1)
      await tx.replace('things', thing('b', { label: 'one', rev: 3 }), 2)
    })
    expect(await bench.get('b')).toMatchObject({ label: 'one', rev: 3 })
  },
}

const inserts: Section = {
  'an insert whose primary key is taken clashes, and the transaction stays usable': async (bench) => {
    await bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      await expectConflict(tx.insert('things', thing('a', { label: 'other' })))
      await tx.insert('things', thing('b'))
    })
    expect(await bench.all()).toEqual([thing('a'), thing('b')])
  },
  'an insert whose place in a unique index is taken clashes, and leaves nothing': async (bench) => {
    await bench.put(thing('a', { label: 'same' }))
    await bench.storage.transact('default', async (tx) => {
      await expectConflict(tx.insert('things', thing('b', { label: 'same' })))
      await tx.insert('things', thing('c', { label: 'same', tenant: 'other' }))
    })
    expect(idsOf(await bench.all())).toEqual(['a', 'c'])
  },
  'rows with a null in a unique index never clash': async (bench) => {
    await bench.put(thing('a'), thing('b'), thing('c'))
    const row = { tenant: 'default', select: 'a', groupBy: 'same', rowid: 1, from: null, user: null }
    await bench.storage.transact('default', (tx) => tx.append('order', [row, { ...row, select: 'b' }]))
    expect(idsOf(await bench.all())).toEqual(['a', 'b', 'c'])
  },
  'a unique index of several columns clashes where all of them agree': async ({ storage }) => {
    const row = { tenant: 'default', select: 'a', groupBy: 'same', rowid: 1, from: 'here', user: null }
    await storage.transact('default', async (tx) => {
      await tx.insert('order', row)
      await tx.insert('order', { ...row, select: 'b', from: 'there' })
      await expectConflict(tx.insert('order', { ...row, select: 'c' }))
    })
  },
}

const appending: Section = {
  'what is asked for in one go is done in that order': async (bench) => {
    const seen = await bench.storage.transact('default', async (tx) => {
      const reads: Promise<Row | undefined>[] = []
      const read = (): unknown => reads.push(tx.get('things', ['default', 'a']))
      const writes = [tx.append('things', [thing('a'), thing('b')])]
      read()
      writes.push(tx.remove('things', ['default', 'a']))
      read()
      writes.push(tx.insert('things', thing('a', { label: 'again' })), tx.remove('things', ['default', 'b']))
      read()
      await Promise.all(writes)
      return Promise.all(reads)
    })
    expect(seen).toEqual([thing('a'), undefined, thing('a', { label: 'again' })])
    expect(await bench.all()).toEqual([thing('a', { label: 'again' })])
  },
  'what is asked for in one go with many rows comes after the last of them': async ({ storage }) => {
    const some = manyThings()
    const seen = await storage.transact('default', async (tx) => {
      const [, last] = await Promise.all([tx.append('things', some), tx.get('things', ['default', 'id 499'])])
      return last
    })
    expect(seen).toEqual(some.at(-1))
  },
  'rows are appended all together': async ({ storage }) => {
    const some = manyThings()
    await storage.transact('default', (tx) => tx.append('things', some))
    await storage.transact('default', (tx) => tx.append('things', []))
    const range = { index: 'by_place', prefix: ['default'], limit: 1000 }
    expect(await storage.snapshot((view) => view.range('things', range))).toEqual(some.toReversed())
  },
  'a clash among rows that are appended is one, and leaves nothing': async (bench) => {
    const append = (...some: readonly Row[]): Promise<void> =>
      bench.storage.transact('default', (tx) => tx.append('things', some))
    await append(thing('a', { label: 'taken' }))
    await expectConflict(append(thing('new'), thing('a'), thing('newer')))
    await expectConflict(append(thing('new'), thing('newer', { label: 'taken' })))
    await expectConflict(append(thing('new'), thing('new')))
    expect(idsOf(await bench.all())).toEqual(['a'])
  },
}

async function placesOf({ storage }: Bench): Promise<unknown[]> {
  const range = { index: 'by_place', prefix: ['default'], limit: 10 }
  return idsOf(await storage.snapshot((view) => view.range('things', range)))
}

/** The verbs that write, one by one. */
export const writes: Section = {
  ...inserts,
  ...replacements,
  ...removals,
  ...appending,
  'indexes follow replacements and removals': async (bench) => {
    await bench.put(thing('a', { place: 1 }), thing('b', { place: 2 }), thing('c', { place: 3 }))
    await bench.storage.transact('default', async (tx) => {
      await tx.replace('things', thing('a', { place: 4, rev: 2 }), 1)
      await tx.remove('things', ['default', 'b'])
      const within = await tx.range('things', { index: 'by_place', prefix: ['default'], limit: 10 })
      expect(idsOf(within)).toEqual(['c', 'a'])
    })
    expect(await placesOf(bench)).toEqual(['c', 'a'])
  },
  'a place in a unique index is free again when its row has left it': async (bench) => {
    await bench.put(thing('a', { label: 'one' }), thing('b', { label: 'two' }))
    await bench.storage.transact('default', async (tx) => {
      await tx.replace('things', thing('a', { label: null, rev: 2 }), 1)
      await tx.insert('things', thing('c', { label: 'one' }))
      await tx.remove('things', ['default', 'b'])
      await tx.insert('things', thing('d', { label: 'two' }))
    })
    expect(idsOf(await bench.all())).toEqual(['a', 'c', 'd'])
  },
}
