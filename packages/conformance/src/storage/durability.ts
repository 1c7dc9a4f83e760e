import type { StorageAdapter } from '@chatelaine/core/storage'
import { expect } from 'vitest'
import type { Bench, Section } from './bench.ts'
import { expectConflict, rejection, signalled } from './expectations.ts'
import { idsOf, plain, sampleTables, thing } from './sample.ts'

/** The next process, which finds what the last one left. */
async function next(bench: Bench): Promise<StorageAdapter> {
  const storage = bench.connect()
  expect(await storage.open(sampleTables)).toEqual({ exists: true })
  return storage
}

async function idsIn(storage: StorageAdapter): Promise<unknown[]> {
  return idsOf(await storage.snapshot((view) => view.range('things', { prefix: [], limit: 1000 })))
}

/** What is still there when the process is not. */
export const durability: Section = {
  'what a transaction wrote is there after closing and opening again': async (bench) => {
    const rows = [
      thing('a', { label: '\u{1f511} \n', payload: Uint8Array.from({ length: 256 }, (_, byte) => byte) }),
      thing('b', { weight: Number.MAX_SAFE_INTEGER, place: -1 }),
      thing('c', { label: '', payload: new Uint8Array(0), rev: 7 }),
    ]
    await bench.put(...rows)
    await bench.storage.close()
    const storage = await next(bench)
    await storage.migrate()
    const found = await storage.snapshot((view) => view.range('things', { prefix: ['default'], limit: 9 }))
    expect(found.map(plain)).toEqual(rows.map(plain))
  },
  'indexes and revisions are there after closing and opening again': async (bench) => {
    await bench.put(thing('a', { label: 'one', place: 2 }), thing('b', { place: 1 }))
    await bench.storage.close()
    const storage = await next(bench)
    await storage.migrate()
    await storage.transact('default', async (tx) => {
      await expectConflict(tx.insert('things', thing('c', { label: 'one' })))
      await expectConflict(tx.replace('things', thing('a', { rev: 3 }), 2))
      const places = await tx.range('things', { index: 'by_place', prefix: ['default'], limit: 9 })
      expect(idsOf(places)).toEqual(['b', 'a'])
    })
  },
  'replacements and removals are there after closing and opening again': async (bench) => {
    await bench.put(thing('a'), thing('b'))
    await bench.storage.transact('default', async (tx) => {
      await tx.replace('things', thing('a', { rev: 2, label: 'new' }), 1)
      await tx.remove('things', ['default', 'b'])
    })
    await bench.storage.close()
    const found = await (await next(bench)).snapshot((view) => view.range('things', { prefix: [], limit: 9 }))
    expect(found).toEqual([thing('a', { rev: 2, label: 'new' })])
  },
  'what a transaction wrote is there at once, though its process never closes': async (bench) => {
    await bench.put(thing('a'))
    expect(await idsIn(await next(bench))).toEqual(['a'])
    await bench.storage.transact('default', (tx) => tx.append('things', [thing('b'), thing('c')]))
    expect(await idsIn(await next(bench))).toEqual(['a', 'b', 'c'])
  },
  'what was undone is not there afterwards': async (bench) => {
    const failed = bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('undone'))
      throw new Error('undo')
    })
    await rejection(failed)
    await bench.storage.transact('default', async (tx) => {
      await rejection(
        tx.savepoint(async () => {
          await tx.insert('things', thing('undone within'))
          throw new Error('undo')
        }),
      )
      await tx.insert('things', thing('kept'))
    })
    await bench.storage.close()
    expect(await idsIn(await next(bench))).toEqual(['kept'])
  },
  'of a transaction that has not ended nothing is there': async (bench) => {
    const inserted = signalled()
    const proceed = signalled()
    const writing = bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      inserted.reach()
      await proceed.reached
    })
    await inserted.reached
    expect(await idsIn(await next(bench))).toEqual([])
    proceed.reach()
    await writing
  },
}
