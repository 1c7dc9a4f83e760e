import { setTimeout } from 'node:timers/promises'
import type { StorageTransaction } from '@chatelaine/core/storage'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../support/failures.ts'
import { checkpoint, hostPool, makeLock, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'

/** Lets everybody go on who waits for nothing from outside. */
const goOn = (): Promise<void> => new Promise((resolve) => process.nextTick(() => queueMicrotask(resolve)))

describe.each([true, false])('what calls last() too late, with pipeline %s,', (pipeline) => {
  test('commits nothing once its signal has aborted', async () => {
    const { storage } = await opened({ pool: hostPool({ pipeline }) })
    await makeLock(storage)
    const abort = new AbortController()
    const write = async (tx: StorageTransaction): Promise<void> => {
      const answer = tx.append('checkpoints', [checkpoint(1)])
      abort.abort()
      tx.last?.()
      await answer
    }
    const failure = await failureOf(storage.transact('default', write, { signal: abort.signal }))
    expect(failure).toMatchObject({ transient: true, outcome: 'none' })
    await put(storage, 2)
    expect(await sizesIn(storage)).toEqual([2])
  })

  test('says nothing of the next transaction: that is durable when it says so', async () => {
    // A server that warns of nothing says nothing of a commit without a transaction either.
    const { storage } = await opened({ pool: hostPool({ pipeline, options: '-c client_min_messages=error' }) })
    await makeLock(storage)
    const abort = new AbortController()
    const write = async (tx: StorageTransaction): Promise<void> => {
      await tx.append('checkpoints', [checkpoint(1)])
      abort.abort()
      // The rollback is under way by then, and not answered.
      await goOn()
      tx.last?.()
    }
    const failure = await failureOf(storage.transact('default', write, { signal: abort.signal }))
    expect(failure).toMatchObject({ transient: true, outcome: 'none' })
    await put(storage, 2)
    expect(await sizesIn(storage)).toEqual([2])
    await put(storage, 3)
    expect(await sizesIn(storage)).toEqual([2, 3])
  })

  test('commits nothing where something that it still reads cannot be read', async () => {
    const { storage } = await opened({ pool: hostPool({ pipeline }) })
    await makeLock(storage)
    const write = async (tx: StorageTransaction): Promise<void> => {
      const answers = [tx.append('checkpoints', [checkpoint(1)]), tx.get('nothing', ['default'])]
      tx.last?.()
      await Promise.all(answers)
    }
    expect(await failureOf(storage.transact('default', write))).toMatchObject({ transient: false, outcome: 'none' })
    expect(await sizesIn(storage)).toEqual([])
  })
})

/** Appends a checkpoint, and waits for it after the commit has been sent along. */
const putAtLast =
  (size: number) =>
  async (tx: StorageTransaction): Promise<void> => {
    const answer = tx.append('checkpoints', [checkpoint(size)])
    tx.last?.()
    await answer
  }

test('a server that refuses a statement and stays is believed, although the connection is given up', async () => {
  const pool = hostPool({ pipeline: true })
  const clients: pg.PoolClient[] = []
  pool.on('connect', (client) => {
    clients.push(client)
    const query = client.query.bind(client) as (asked: { readonly text: string }) => Promise<unknown>
    // The answer to the commit comes a while after the others.
    const late = async (asked: { readonly text: string }): Promise<unknown> => {
      const answer = await query(asked)
      if (asked.text === 'commit') await setTimeout(30)
      return answer
    }
    Object.assign(client, { query: late })
  })
  const { storage } = await opened({ pool })
  await makeLock(storage)
  await storage.transact('default', putAtLast(1))
  await Promise.all(clients.map((client) => client.query('deallocate all')))
  const failure = await failureOf(storage.transact('default', putAtLast(2)))
  expect(failure).toMatchObject({ transient: true, outcome: 'none' })
  expect(failure.message).toContain('preparedStatements')
  await storage.transact('default', putAtLast(3))
  expect(await sizesIn(storage)).toEqual([1, 3])
})

test('what a function of the host warns of before the commit casts no doubt on it', async () => {
  const { storage, schema } = await opened()
  await makeLock(storage)
  const ask = await stranger()
  await ask(`create function ${schema}.warn() returns trigger language plpgsql as
    $$ begin raise warning 'a row'; return new; end $$`)
  await ask(`create trigger warn before insert on ${schema}.chatelaine_checkpoints
    for each row execute function ${schema}.warn()`)
  await storage.transact('default', putAtLast(1))
  expect(await sizesIn(storage)).toEqual([1])
})
