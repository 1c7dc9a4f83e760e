import type { Row, StorageReader } from '@chatelaine/core/storage'
import { expect } from 'vitest'
import type { Bench, Section } from './bench.ts'
import { failureOf, rejection, signalled } from './expectations.ts'
import { idsOf, thing } from './sample.ts'

const everything = (view: StorageReader): Promise<Row[]> => view.range('things', { prefix: ['default'], limit: 10 })

/** Changes `a`, removes `b`, adds `c`. */
async function change({ storage }: Bench): Promise<void> {
  await storage.transact('default', async (tx) => {
    await tx.replace('things', thing('a', { rev: 2 }), 1)
    await tx.remove('things', ['default', 'b'])
    await tx.insert('things', thing('c'))
  })
}

/** Snapshots: one committed state each, in nobody's way. */
export const snapshots: Section = {
  'a snapshot sees one committed state, whatever is written meanwhile': async (bench) => {
    await bench.put(thing('a'), thing('b'))
    await bench.storage.snapshot(async (view) => {
      expect(await view.get('things', ['default', 'a'])).toMatchObject({ rev: 1 })
      await change(bench)
      expect(await view.get('things', ['default', 'a'])).toMatchObject({ rev: 1 })
      expect(await view.get('things', ['default', 'c'])).toBeUndefined()
      expect(idsOf(await everything(view))).toEqual(['a', 'b'])
      expect((await bench.get('a'))?.['rev']).toBe(2)
    })
    expect(idsOf(await bench.storage.snapshot(everything))).toEqual(['a', 'c'])
  },
  'a snapshot that has read nothing yet still is one state': async (bench) => {
    await bench.storage.snapshot(async (view) => {
      await bench.put(thing('a'), thing('b'))
      const first = await everything(view)
      await bench.put(thing('c'))
      expect(await everything(view)).toEqual(first)
    })
  },
  'a snapshot is one state across tables': async ({ storage }) => {
    await storage.snapshot(async (view) => {
      expect(await view.get('locks', ['default'])).toBeUndefined()
      await storage.transact('default', async (tx) => {
        await tx.insert('locks', { tenant: 'default' })
        await tx.insert('things', thing('a'))
      })
      expect(await view.get('things', ['default', 'a'])).toBeUndefined()
      expect(await view.get('locks', ['default'])).toBeUndefined()
    })
  },
  'a snapshot sees every transaction that has returned, and none that is under way': async (bench) => {
    const inserted = signalled()
    const proceed = signalled()
    const writing = bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      inserted.reach()
      await proceed.reached
    })
    await inserted.reached
    expect(await bench.get('a')).toBeUndefined()
    proceed.reach()
    await writing
    expect(await bench.get('a')).toBeDefined()
    for (let at = 0; at < 10; at++) {
      await bench.put(thing(`id ${at}`))
      expect(await bench.get(`id ${at}`)).toBeDefined()
    }
  },
  'a snapshot sees nothing of a transaction that is undone': async (bench) => {
    const undone = bench.storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      expect(await bench.get('a')).toBeUndefined()
      throw new Error('undo')
    })
    await rejection(undone)
    expect(await bench.all()).toEqual([])
  },
  'sixteen snapshots run side by side, with a transaction': async (bench) => {
    const proceed = signalled()
    const arrived = Array.from({ length: 16 }, signalled)
    const seen = arrived.map((arrival) =>
      bench.storage.snapshot(async (view) => {
        const before = await view.get('things', ['default', 'a'])
        arrival.reach()
        await proceed.reached
        return [before, await view.get('things', ['default', 'a'])]
      }),
    )
    await Promise.all(arrived.map(({ reached }) => reached))
    await bench.put(thing('a'))
    proceed.reach()
    for (const found of await Promise.all(seen)) expect(found).toEqual([undefined, undefined])
  },
  'many snapshots hinder neither each other nor transactions': async (bench) => {
    const proceed = signalled()
    const seen = Array.from({ length: 40 }, () =>
      bench.storage.snapshot(async (view) => {
        const before = await view.get('things', ['default', 'a'])
        await proceed.reached
        return [before, await view.get('things', ['default', 'a'])]
      }),
    )
    await bench.put(thing('a'))
    proceed.reach()
    for (const [before, after] of await Promise.all(seen)) expect(after).toEqual(before)
  },
  'what a snapshot throws is thrown on': async ({ storage }) => {
    const error = new Error('no')
    expect(await rejection(storage.snapshot(() => Promise.reject(error)))).toBe(error)
    const thrownAtOnce = storage.snapshot(() => {
      throw error
    })
    expect(await rejection(thrownAtOnce)).toBe(error)
    expect(await storage.snapshot(async () => 'value')).toBe('value')
  },
  'a view that is over can be used no more': async ({ storage }) => {
    let kept: StorageReader | undefined
    await storage.snapshot(async (view) => {
      kept = view
    })
    await failureOf(Promise.resolve(kept?.get('things', ['default', 'a'])))
    await failureOf(Promise.resolve(kept?.range('things', { prefix: [], limit: 1 })))
    await storage.snapshot(async (view) => {
      await view.get('things', ['default', 'a'])
      await failureOf(Promise.resolve(kept?.get('things', ['default', 'a'])))
    })
  },
}
