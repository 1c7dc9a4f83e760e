import { expect, test } from 'vitest'
import { expectConflict, thing } from './bench.ts'
import type { BenchOf } from './bench.ts'

/** The verbs that write, one by one. */
export function describeWrites(bench: BenchOf): void {
  test('an insert whose primary key is taken clashes, and the transaction stays usable', async () => {
    await bench().storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      await expectConflict(tx.insert('things', thing('a', { label: 'other' })))
      await tx.insert('things', thing('b'))
    })
    expect((await bench().get('a'))?.['label']).toBeNull()
    expect(await bench().get('b')).toBeDefined()
  })

  test('an insert whose place in a unique index is taken clashes, and leaves nothing', async () => {
    await bench().put(thing('a', { label: 'same' }))
    await bench().storage.transact('default', async (tx) => {
      await expectConflict(tx.insert('things', thing('b', { label: 'same' })))
      await tx.insert('things', thing('c', { label: 'same', tenant: 'other' }))
    })
    expect(await bench().get('b')).toBeUndefined()
  })

  test('rows with a null in a unique index never clash', async () => {
    await bench().put(thing('a'), thing('b'), thing('c'))
    expect(await bench().get('c')).toBeDefined()
  })

  test('a replacement needs the row and the rev that it expects', async () => {
    await bench().put(thing('a', { rev: 4 }))
    await bench().storage.transact('default', async (tx) => {
      await expectConflict(tx.replace('things', thing('b', { rev: 5 }), 4))
      await expectConflict(tx.replace('things', thing('a', { rev: 5 }), 3))
      await tx.replace('things', thing('a', { rev: 5, label: 'new' }), 4)
      await expectConflict(tx.replace('things', thing('a', { rev: 5 }), 4))
    })
    expect(await bench().get('a')).toMatchObject({ rev: 5, label: 'new' })
  })

  test("a replacement that takes another row's place in a unique index clashes, one that keeps its own does not", async () => {
    await bench().put(thing('a', { label: 'one' }), thing('b', { label: 'two' }))
    await bench().storage.transact('default', async (tx) => {
      await expectConflict(tx.replace('things', thing('b', { label: 'one', rev: 2 }), 1))
      await tx.replace('things', thing('b', { label: 'two', place: 9, rev: 2 }), 1)
      await tx.replace('things', thing('a', { label: 'three', rev: 2 }), 1)
      await tx.replace('things', thing('b', { label: 'one', rev: 3 }), 2)
    })
    expect(await bench().get('b')).toMatchObject({ label: 'one', rev: 3 })
  })

  test('indexes follow replacements and removals', async () => {
    await bench().put(thing('a', { place: 1 }), thing('b', { place: 2 }), thing('c', { place: 3 }))
    const places = await bench().storage.transact('default', async (tx) => {
      await tx.replace('things', thing('a', { place: 4, rev: 2 }), 1)
      await tx.remove('things', ['default', 'b'])
      return tx.range('things', { index: 'by_place', prefix: ['default'], limit: 10 })
    })
    expect(places.map((row) => row['id'])).toEqual(['c', 'a'])
  })

  test('a removal needs the row and, where it is given, the rev', async () => {
    await bench().put(thing('a', { rev: 2 }), thing('b'))
    await bench().storage.transact('default', async (tx) => {
      await expectConflict(tx.remove('things', ['default', 'nobody']))
      await expectConflict(tx.remove('things', ['default', 'a'], 1))
      await tx.remove('things', ['default', 'a'], 2)
      await tx.remove('things', ['default', 'b'])
      await expectConflict(tx.remove('things', ['default', 'b']))
      await tx.insert('things', thing('a', { label: 'again' }))
    })
    expect(await bench().get('b')).toBeUndefined()
    expect(await bench().get('a')).toMatchObject({ label: 'again' })
  })

  test('rows are appended all together, and a clash among them is one', async () => {
    const rows = Array.from({ length: 500 }, (_, at) => thing(`id ${at}`, { place: 500 - at }))
    await bench().storage.transact('default', (tx) => tx.append('things', rows))
    await bench().storage.transact('default', (tx) => tx.append('things', []))
    const found = await bench().storage.snapshot((view) =>
      view.range('things', { index: 'by_place', prefix: ['default'], limit: 1000 }),
    )
    expect(found).toEqual(rows.toReversed())
    await expectConflict(
      bench().storage.transact('default', (tx) => tx.append('things', [thing('new'), thing('id 3'), thing('newer')])),
    )
    expect(await bench().get('new')).toBeUndefined()
  })
}
