import type { StorageReader, StorageTransaction } from '@chatelaine/core/storage'
import { describe, expect, test } from 'vitest'
import { expectConflict, failureOf, rejection, signalled, thing } from './bench.ts'
import type { Bench, BenchOf } from './bench.ts'

async function count(bench: Bench): Promise<void> {
  await bench.storage.transact('default', async (tx) => {
    const row = await tx.get('things', ['default', 'counter'])
    const rev = Number(row?.['rev'])
    await tx.replace('things', thing('counter', { rev: rev + 1 }), rev)
  })
}

function describeAtomicity(bench: BenchOf): void {
  test('a transaction returns what its function returns, and reads its own writes', async () => {
    const result = await bench().storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      return tx.get('things', ['default', 'a'])
    })
    expect(result).toEqual(thing('a'))
  })

  test('a transaction that throws leaves nothing, and its error is thrown on', async () => {
    const error = new Error('changed my mind')
    const failed = bench().storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      throw error
    })
    expect(await rejection(failed)).toBe(error)
    const thrownAtOnce = bench().storage.transact('default', () => {
      throw error
    })
    expect(await rejection(thrownAtOnce)).toBe(error)
    expect(await bench().get('a')).toBeUndefined()
    await bench().put(thing('a'))
  })

  test('transactions of one tenant run one after the other, in the order in which they came', async () => {
    await bench().put(thing('counter', { rev: 0 }))
    await Promise.all(Array.from({ length: 25 }, () => count(bench())))
    expect((await bench().get('counter'))?.['rev']).toBe(25)
    const order: number[] = []
    const turn = (at: number): Promise<unknown> => bench().storage.transact('default', async () => order.push(at))
    await Promise.all([0, 1, 2, 3, 4].map(turn))
    expect(order).toEqual([0, 1, 2, 3, 4])
  })

  test('a transaction that is over can be used no more', async () => {
    let kept: StorageTransaction | undefined
    await bench().storage.transact('default', async (tx) => {
      kept = tx
    })
    const late = [
      () => kept?.insert('things', thing('late')),
      () => kept?.get('things', ['default', 'late']),
      () => kept?.append('things', [thing('late')]),
      () => kept?.savepoint(async () => undefined),
    ]
    for (const use of late) expect((await failureOf(Promise.resolve(use()))).transient).toBe(false)
    expect(await bench().get('late')).toBeUndefined()
  })

  test('a transaction that is over cannot write into the next one', async () => {
    let kept: StorageTransaction | undefined
    await bench().storage.transact('default', async (tx) => {
      kept = tx
    })
    await bench().storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      await failureOf(Promise.resolve(kept?.insert('things', thing('late'))))
      await failureOf(Promise.resolve(kept?.savepoint(() => Promise.reject(new Error('late')))))
    })
    expect(await bench().get('a')).toBeDefined()
    expect(await bench().get('late')).toBeUndefined()
  })
}

function describeSnapshots(bench: BenchOf): void {
  test('a snapshot sees one committed state, whatever is written meanwhile', async () => {
    await bench().put(thing('a'))
    await bench().storage.snapshot(async (view) => {
      expect(await view.get('things', ['default', 'a'])).toMatchObject({ rev: 1 })
      await bench().storage.transact('default', async (tx) => {
        await tx.replace('things', thing('a', { rev: 2 }), 1)
        await tx.insert('things', thing('b'))
      })
      expect(await view.get('things', ['default', 'a'])).toMatchObject({ rev: 1 })
      expect(await view.range('things', { prefix: ['default'], limit: 10 })).toHaveLength(1)
      expect((await bench().get('a'))?.['rev']).toBe(2)
    })
  })

  test('a snapshot that has read nothing yet still is one state', async () => {
    await bench().storage.snapshot(async (view) => {
      await bench().put(thing('a'), thing('b'))
      const first = await view.range('things', { prefix: ['default'], limit: 10 })
      await bench().put(thing('c'))
      expect(await view.range('things', { prefix: ['default'], limit: 10 })).toEqual(first)
    })
  })

  test('a snapshot sees every transaction that has returned, and none that is under way', async () => {
    const inserted = signalled()
    const proceed = signalled()
    const writing = bench().storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      inserted.reach()
      await proceed.reached
    })
    await inserted.reached
    expect(await bench().get('a')).toBeUndefined()
    proceed.reach()
    await writing
    expect(await bench().get('a')).toBeDefined()
  })

  test('long snapshots hinder neither each other nor transactions', async () => {
    const proceed = signalled()
    const seen = Array.from({ length: 20 }, () =>
      bench().storage.snapshot(async (view) => {
        const before = await view.get('things', ['default', 'a'])
        await proceed.reached
        return [before, await view.get('things', ['default', 'a'])]
      }),
    )
    await bench().put(thing('a'))
    expect(await bench().get('a')).toBeDefined()
    proceed.reach()
    for (const [before, after] of await Promise.all(seen)) expect(after).toEqual(before)
  })

  test('what a snapshot throws is thrown on, and a view that is over can be used no more', async () => {
    const error = new Error('no')
    expect(await rejection(bench().storage.snapshot(() => Promise.reject(error)))).toBe(error)
    let kept: StorageReader | undefined
    await bench().storage.snapshot(async (view) => {
      kept = view
    })
    await failureOf(Promise.resolve(kept?.get('things', ['default', 'a'])))
    await failureOf(Promise.resolve(kept?.range('things', { prefix: [], limit: 1 })))
    await bench().storage.snapshot(async (view) => {
      await view.get('things', ['default', 'a'])
      await failureOf(Promise.resolve(kept?.get('things', ['default', 'a'])))
    })
  })
}

function describeSavepoints(bench: BenchOf): void {
  test('a savepoint that throws undoes its own writes and nothing else, and its error is thrown on', async () => {
    const error = new Error('step failed')
    await bench().storage.transact('default', async (tx) => {
      await tx.insert('things', thing('before'))
      const step = tx.savepoint(async () => {
        await tx.replace('things', thing('before', { rev: 2 }), 1)
        await tx.insert('things', thing('within'))
        throw error
      })
      expect(await rejection(step)).toBe(error)
      await tx.insert('things', thing('after'))
      expect(await tx.savepoint(async () => 'value')).toBe('value')
    })
    expect(await bench().get('before')).toMatchObject({ rev: 1 })
    expect(await bench().get('within')).toBeUndefined()
    expect(await bench().get('after')).toBeDefined()
  })

  test('savepoints nest', async () => {
    await bench().storage.transact('default', async (tx) => {
      await tx.savepoint(async () => {
        await tx.insert('things', thing('outer'))
        await rejection(
          tx.savepoint(async () => {
            await tx.insert('things', thing('inner, undone'))
            await tx.savepoint(() => tx.insert('things', thing('innermost, undone with it')))
            throw new Error('undo')
          }),
        )
        await tx.savepoint(() => tx.insert('things', thing('inner')))
      })
      await rejection(
        tx.savepoint(async () => {
          await tx.savepoint(() => tx.insert('things', thing('kept within, undone around')))
          throw new Error('undo')
        }),
      )
    })
    const rows = await bench().storage.snapshot((view) => view.range('things', { prefix: ['default'], limit: 9 }))
    expect(rows.map((row) => row['id'])).toEqual(['inner', 'outer'])
  })

  test('a clash within a savepoint leaves the transaction usable', async () => {
    await bench().storage.transact('default', async (tx) => {
      await tx.insert('things', thing('a'))
      for (let at = 0; at < 50; at++) await expectConflict(tx.savepoint(() => tx.insert('things', thing('a'))))
      await expectConflict(tx.savepoint(() => tx.append('things', [thing('b'), thing('a')])))
      await tx.insert('things', thing('c'))
    })
    expect(await bench().get('b')).toBeUndefined()
    expect(await bench().get('c')).toBeDefined()
  })
}

/** Transactions: atomic, one at a time, and never in the way of those who only read. */
export function describeTransactions(bench: BenchOf): void {
  describe('atomicity', () => {
    describeAtomicity(bench)
  })
  describe('snapshots', () => {
    describeSnapshots(bench)
  })
  describe('savepoints', () => {
    describeSavepoints(bench)
  })
}
