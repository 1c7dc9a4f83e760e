import { setImmediate } from 'node:timers/promises'
import { isStorageConflict } from '@chatelaine/core/storage'
import type { StorageTransaction } from '@chatelaine/core/storage'
import { describe, expect, onTestFinished, test } from 'vitest'
import { rejection, failureOf } from '../support/failures.ts'
import { PostgresProxy } from '../support/postgres-proxy.ts'
import { checkpoint, hostPool, makeLock, opened, put, sizesIn } from '../support/postgres-storage.ts'

/** Lets everybody go on who waits for nothing from outside. */
const goOn = (): Promise<void> => new Promise((resolve) => process.nextTick(() => queueMicrotask(resolve)))
const principal = {
  tenant: 'default',
  id: 'p',
  active: 1,
  createdAt: 1,
  stateChangedAt: 1,
  stateChangedBy: 'o',
  stateReason: null,
  rev: 2,
}
const undone = new Error('undone')

/** The transaction that is handed to this, for whoever keeps it. */
function keeping(write: (tx: StorageTransaction) => Promise<void>) {
  const kept: { tx?: StorageTransaction } = {}
  const work = (tx: StorageTransaction): Promise<void> => {
    kept.tx = tx
    return write(tx)
  }
  return { kept, work }
}

describe.each([true, false])('with pipeline %s', (pipeline) => {
  test.each([
    ['a replacement that finds no row', (tx: StorageTransaction) => tx.replace('principals', principal, 1)],
    [
      'a step that fails',
      (tx: StorageTransaction) =>
        tx.savepoint(async () => {
          await tx.append('checkpoints', [checkpoint(2)])
          throw undone
        }),
    ],
  ])('nothing is committed that goes along with %s', async (_, failing) => {
    const { storage } = await opened({ pool: hostPool({ pipeline }) })
    await makeLock(storage)
    const write = async (tx: StorageTransaction): Promise<void> => {
      const answers = [tx.append('checkpoints', [checkpoint(1)]), failing(tx)]
      tx.last?.()
      await Promise.all(answers)
    }
    const error = await rejection(storage.transact('default', write))
    expect(isStorageConflict(error) || error === undone).toBe(true)
    expect(await sizesIn(storage)).toEqual([])
  })

  test('everything is committed that was asked for in one go', async () => {
    const { storage } = await opened({ pool: hostPool({ pipeline }) })
    await makeLock(storage)
    const write = async (tx: StorageTransaction): Promise<void> => {
      const answers = [1, 2, 3].map((size) => tx.append('checkpoints', [checkpoint(size)]))
      tx.last?.()
      await Promise.all(answers)
    }
    await storage.transact('default', write)
    expect(await sizesIn(storage)).toEqual([1, 2, 3])
  })

  test('a transaction that has failed commits nothing, and nothing of the next one, by its last word', async () => {
    const { storage } = await opened({ pool: hostPool({ pipeline, options: '-c client_min_messages=error' }) })
    await makeLock(storage)
    const { kept, work } = keeping(async (tx) => {
      await tx.append('checkpoints', [checkpoint(1)])
      // It is being undone by then.
      void goOn().then(() => tx.last?.())
      throw undone
    })
    await expect(storage.transact('default', work)).rejects.toBe(undone)
    await put(storage, 2)
    expect(await sizesIn(storage)).toEqual([2])
    const write = async (tx: StorageTransaction): Promise<void> => {
      await tx.append('checkpoints', [checkpoint(3)])
      if (kept.tx?.last !== undefined) expect(() => kept.tx?.last?.()).toThrow('over')
      throw undone
    }
    await expect(storage.transact('default', write)).rejects.toBe(undone)
    expect(await sizesIn(storage)).toEqual([2])
  })
})

interface Asked {
  readonly text: string
}

/** A pool of which each BEGIN goes through this. */
function beginning(begin: (ask: () => Promise<unknown>) => Promise<unknown>) {
  const pool = hostPool({ pipeline: true })
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (asked: Asked) => Promise<unknown>
    const asking = (asked: Asked): Promise<unknown> =>
      asked.text.startsWith('begin isolation level read committed') ? begin(() => query(asked)) : query(asked)
    Object.assign(client, { query: asking })
  })
  return pool
}

describe('a transaction that is asked early', () => {
  test('sends its commit after everything that was held back, however early it says its last word', async () => {
    const kept: { tx?: StorageTransaction; isTaken?: boolean } = {}
    /** Says it over and over, until it is taken. */
    const insist = async (): Promise<void> => {
      try {
        for (let time = 0; time < 100; time++) {
          kept.tx?.last?.()
          await Promise.resolve()
        }
      } catch {
        kept.isTaken = true
      }
    }
    const pool = beginning(async (ask) => {
      const answer = await ask()
      void insist()
      return answer
    })
    const { storage } = await opened({ pool })
    await makeLock(storage)
    const write = async (tx: StorageTransaction): Promise<void> => {
      kept.tx = tx
      const answers = [1, 2].map((size) => tx.append('checkpoints', [checkpoint(size)]))
      await Promise.all(answers)
    }
    await storage.transact('default', write, { early: true })
    expect(kept.isTaken).toBe(true)
    expect(await sizesIn(storage)).toEqual([1, 2])
  })

  test('sends no commit where it does not begin, although it only reads', async () => {
    const refused = new Error('no')
    let isRefusing = false
    const pool = beginning(async (ask) => {
      if (isRefusing) throw refused
      return ask()
    })
    const { storage } = await opened({ pool })
    await makeLock(storage)
    isRefusing = true
    const saying = async (tx: StorageTransaction): Promise<void> => tx.last?.()
    const failure = await failureOf(storage.transact('default', saying, { early: true }))
    expect(failure).toMatchObject({ outcome: 'none' })
  })
})

describe('a commit that was sent along to a server', () => {
  test('that has gone silent is let go soon after the signal aborts', async ({ skip }) => {
    const proxy = await PostgresProxy.start()
    if (proxy === undefined) return skip('The server has no Unix socket to stand before.')
    const { storage } = await opened({ connectionString: proxy.url })
    await makeLock(storage)
    proxy.arm('silent')
    const started = performance.now()
    const write = async (tx: StorageTransaction): Promise<void> => {
      const answer = tx.append('checkpoints', [checkpoint(1)])
      tx.last?.()
      await answer
    }
    const failure = await failureOf(storage.transact('default', write, { signal: AbortSignal.timeout(100) }))
    expect(failure).toMatchObject({ transient: true, outcome: 'unknown' })
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('that is lost leaves nothing unheard, however long its answers are not waited for', async ({ skip }) => {
    const proxy = await PostgresProxy.start()
    if (proxy === undefined) return skip('The server has no Unix socket to stand before.')
    const unheard: unknown[] = []
    const hear = (error: unknown): void => void unheard.push(error)
    process.on('unhandledRejection', hear)
    onTestFinished(() => void process.off('unhandledRejection', hear))
    const { storage } = await opened({ connectionString: proxy.url })
    await makeLock(storage)
    proxy.arm('lost')
    const write = async (tx: StorageTransaction): Promise<void> => {
      const answer = tx.append('checkpoints', [checkpoint(1)])
      tx.last?.()
      await answer.catch(async () => {
        for (let turn = 0; turn < 5; turn++) await setImmediate()
      })
    }
    expect(await failureOf(storage.transact('default', write))).toMatchObject({ outcome: 'unknown' })
    expect(unheard).toEqual([])
  })
})
