import type { StorageTransaction } from '@chatelaine/core/storage'
import { expect } from 'vitest'
import type { Section } from './bench.ts'
import { expectConflict, rejection } from './expectations.ts'
import { idsOf, thing } from './sample.ts'

/** Runs a step behind a savepoint and undoes it. */
async function undo(tx: StorageTransaction, step: () => Promise<void>): Promise<void> {
  const error = new Error('undo')
  const undone = tx.savepoint(async () => {
    await step()
    throw error
  })
  expect(await rejection(undone)).toBe(error)
}

/** Savepoints: what they undo, and what they leave. */
export const savepoints: Section = {
  'a savepoint that throws undoes its own writes and nothing else, and its error is thrown on': async (bench) => {
    await bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('before'))
      await undo(tx, async () => {
        await tx.replace('things', thing('before', { rev: 2 }), 1)
        await tx.insert('things', thing('within'))
        await tx.append('things', [thing('appended')])
      })
      await tx.insert('things', thing('after'))
    })
    expect(await bench.all()).toEqual([thing('after'), thing('before')])
  },
  'a savepoint gives back what was removed, and the places in indexes': async (bench) => {
    await bench.put(thing('a', { label: 'one', place: 1 }), thing('b', { label: 'two', place: 2 }))
    await bench.storage.transact('default', async (tx) => {
      await undo(tx, async () => {
        await tx.remove('things', ['default', 'a'])
        await tx.replace('things', thing('b', { label: 'one', place: 0, rev: 2 }), 1)
        await tx.insert('things', thing('c', { label: 'two' }))
      })
      await expectConflict(tx.insert('things', thing('d', { label: 'one' })))
      await expectConflict(tx.insert('things', thing('d', { label: 'two' })))
      const within = await tx.range('things', { index: 'by_place', prefix: ['default'], limit: 9 })
      expect(idsOf(within)).toEqual(['a', 'b'])
    })
    expect((await bench.all()).map((row) => row['label'])).toEqual(['one', 'two'])
  },
  'a savepoint gives what its step gives, and keeps its writes': async (bench) => {
    await bench.storage.transact('default', async (tx) => {
      expect(await tx.savepoint(async () => 'value')).toBe('value')
      await tx.savepoint(() => tx.insert('things', thing('a')))
    })
    expect(idsOf(await bench.all())).toEqual(['a'])
  },
  'a step that throws before it gives a promise is undone': async (bench) => {
    const error = new Error('at once')
    await bench.storage.transact('default', async (tx) => {
      const step = tx.savepoint(() => {
        throw error
      })
      expect(await rejection(step)).toBe(error)
      await tx.insert('things', thing('a'))
    })
    expect(idsOf(await bench.all())).toEqual(['a'])
  },
  'savepoints nest': async (bench) => {
    await bench.storage.transact('default', async (tx) => {
      await tx.savepoint(async () => {
        await tx.insert('things', thing('outer'))
        await undo(tx, async () => {
          await tx.insert('things', thing('inner, undone'))
          await tx.savepoint(() => tx.insert('things', thing('innermost, undone with it')))
        })
        await tx.savepoint(() => tx.insert('things', thing('inner')))
      })
      await undo(tx, () => tx.savepoint(() => tx.insert('things', thing('kept within, undone around'))))
    })
    expect(idsOf(await bench.all())).toEqual(['inner', 'outer'])
  },
  'a transaction that throws undoes the savepoints that it kept': async (bench) => {
    const failed = bench.storage.transact('default', async (tx) => {
      await tx.savepoint(() => tx.insert('things', thing('a')))
      throw new Error('undo')
    })
    await rejection(failed)
    expect(await bench.all()).toEqual([])
  },
  'a clash within a savepoint leaves the transaction usable': async (bench) => {
    await bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      for (let at = 0; at < 50; at++) await expectConflict(tx.savepoint(() => tx.insert('things', thing('a'))))
      await expectConflict(tx.savepoint(() => tx.append('things', [thing('b'), thing('a')])))
      await tx.insert('things', thing('c'))
    })
    expect(idsOf(await bench.all())).toEqual(['a', 'c'])
  },
}
