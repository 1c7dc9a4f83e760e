import type { Row, StorageTransaction } from '@chatelaine/core/storage'
import { expect } from 'vitest'
import type { Bench, Section } from './bench.ts'
import { expectAbandoned, expectConflict, failureOf, rejection, signalled, turns } from './expectations.ts'
import { sampleTables, thing } from './sample.ts'
import { count } from './transactions.ts'

/** Another process on the same place, with the row that transactions of the tenant lock. */
async function beside(bench: Bench): Promise<Bench> {
  await bench.storage.transact('default', (tx) => tx.insert('locks', { tenant: 'default' }))
  return bench.another()
}

/** A transaction of one process that runs until it is told to end. */
function holding(bench: Bench): { readonly held: Promise<void>; readonly release: () => Promise<void> } {
  const held = signalled()
  const proceed = signalled()
  const ended = bench.storage.transact('default', async (tx) => {
    held.reach()
    await proceed.reached
    await tx.insert('things', thing('by the first'))
  })
  const release = async (): Promise<void> => {
    proceed.reach()
    await ended
  }
  return { held: held.reached, release }
}

const locking: Section = {
  'a transaction waits for that of another process, before its first read': async (bench) => {
    const other = await beside(bench)
    const { held, release } = holding(bench)
    await held
    let began = false
    const waiting = other.storage.transact('default', async (tx) => {
      began = true
      return tx.get('things', ['default', 'by the first'])
    })
    // The first can only go on because waiting leaves the event loop alone.
    await turns(50)
    expect(began).toBe(false)
    await release()
    expect(await waiting).toEqual(thing('by the first'))
  },
  'what a transaction asks early is answered when no other has the lock, and not before': async (bench) => {
    const other = await beside(bench)
    const { held, release } = holding(bench)
    await held
    let answered = false
    const read = async (tx: StorageTransaction): Promise<Row | undefined> => {
      const row = await tx.get('things', ['default', 'by the first'])
      answered = true
      return row
    }
    const waiting = other.storage.transact('default', read, { early: true })
    await turns(50)
    expect(answered).toBe(false)
    await release()
    expect(await waiting).toEqual(thing('by the first'))
  },
  'what a transaction writes early takes effect when no other has the lock, and not before': async (bench) => {
    const other = await beside(bench)
    const { held, release } = holding(bench)
    await held
    const write = async (tx: StorageTransaction): Promise<Row | undefined> => {
      const [row] = await Promise.all([
        tx.get('things', ['default', 'by the first']),
        tx.append('things', [thing('by the second')]),
      ])
      return row
    }
    const waiting = other.storage.transact('default', write, { early: true })
    await turns(50)
    expect(await other.all()).toEqual([])
    await release()
    expect(await waiting).toEqual(thing('by the first'))
    expect(await bench.all()).toEqual([thing('by the first'), thing('by the second')])
  },
  'who gives up waiting for another process is told that nothing was done': async (bench) => {
    const other = await beside(bench)
    const { held, release } = holding(bench)
    await held
    const controller = new AbortController()
    const write = other.storage.transact('default', (tx) => tx.insert('things', thing('given up')), controller)
    await turns(10)
    controller.abort()
    await expectAbandoned(write)
    await release()
    expect(await other.all()).toEqual([thing('by the first')])
    await other.put(thing('works again'))
  },
  'a transaction that was undone lets the next process in': async (bench) => {
    const other = await beside(bench)
    await rejection(bench.storage.transact('default', () => Promise.reject(new Error('undo'))))
    await other.put(thing('a'))
    await expectConflict(bench.put(thing('a')))
    expect(await bench.all()).toEqual([thing('a')])
  },
  'counting by several processes loses no count': async (bench) => {
    await bench.put(thing('counter', { rev: 0 }))
    const benches = [bench, await beside(bench), await bench.another()]
    const counting = benches.flatMap((one) => Array.from({ length: 10 }, () => count(one)))
    await Promise.all(counting)
    expect(await bench.get('counter')).toMatchObject({ rev: 30, place: 30 })
  },
  'of two processes that make the same first rows, one clashes': async (bench) => {
    const begin = async (one: Bench): Promise<void> =>
      one.storage.transact('default', async (tx) => {
        await tx.insert('locks', { tenant: 'default' })
        await tx.insert('things', thing('a'))
      })
    const other = await bench.another()
    const settled = await Promise.allSettled([begin(bench), begin(other)])
    expect(settled.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    for (const one of settled) if (one.status === 'rejected') await expectConflict(Promise.reject(one.reason))
    expect(await other.all()).toEqual([thing('a')])
  },
}

/** Several processes on one place: exclusive where they write, and no one behind the others. */
export const processes: Section = {
  'what one process has committed, a snapshot of another sees at once': async (bench) => {
    const other = await beside(bench)
    for (let at = 0; at < 10; at++) {
      const [writer, reader] = at % 2 === 0 ? [bench, other] : [other, bench]
      await writer.put(thing(`id ${at}`))
      expect(await reader.get(`id ${at}`)).toEqual(thing(`id ${at}`))
    }
  },
  'a snapshot stays what it was, whatever another process writes': async (bench) => {
    const other = await beside(bench)
    await bench.put(thing('a'))
    await bench.storage.snapshot(async (view) => {
      expect(await view.get('things', ['default', 'a'])).toMatchObject({ rev: 1 })
      await other.storage.transact('default', (tx) => tx.replace('things', thing('a', { rev: 2 }), 1))
      expect(await view.get('things', ['default', 'a'])).toMatchObject({ rev: 1 })
    })
    expect(await bench.get('a')).toMatchObject({ rev: 2 })
  },
  'a snapshot neither waits for a transaction of another process nor sees into it': async (bench) => {
    const other = await beside(bench)
    const { held, release } = holding(bench)
    await held
    expect(await other.all()).toEqual([])
    await release()
    expect(await other.all()).toEqual([thing('by the first')])
  },
  ...locking,
  'several processes may make the tables at once': async (bench) => {
    const connect = await bench.elsewhere()
    const adapters = Array.from({ length: 4 }, connect)
    await Promise.all(adapters.map((storage) => storage.open(sampleTables)))
    await Promise.all(adapters.map((storage) => storage.migrate()))
    const write = adapters.map((storage, at) =>
      storage.transact(`tenant ${at}`, (tx) => tx.insert('things', thing(`id ${at}`))),
    )
    await Promise.all(write)
    for (const storage of adapters) {
      const found = await storage.snapshot((view) => view.range('things', { prefix: [], limit: 9 }))
      expect(found).toHaveLength(4)
    }
  },
  'a process that closes leaves the others alone': async (bench) => {
    const other = await beside(bench)
    await bench.put(thing('a'))
    await bench.storage.close()
    await failureOf(bench.all())
    await other.put(thing('b'))
    expect(await other.all()).toEqual([thing('a'), thing('b')])
  },
}
