import type { StorageTransaction } from '@chatelaine/core/storage'
import { isStorageConflict } from '@chatelaine/core/storage'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { failureOf, rejection } from '../support/failures.ts'
import { PostgresProxy } from '../support/postgres-proxy.ts'
import { checkpoint, hostPool, makeLock, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'

interface Asked {
  readonly text: string
}
type Query = (asked: Asked) => Promise<unknown>

/** What a pool's clients are asked, and are answered, in order, from when it is cleared. */
function watched(
  config: pg.PoolConfig,
  answer: (query: Query, asked: Asked) => Promise<unknown> = (query, asked) => query(asked),
) {
  const pool = hostPool(config)
  const heard: string[] = []
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as Query
    const noted = async (asked: Asked): Promise<unknown> => {
      const what = /^(?:begin|commit|rollback)\b|chatelaine_\w+/.exec(asked.text)?.[0] ?? asked.text
      heard.push(`${what}?`)
      return answer(query, asked).finally(() => heard.push(`${what}!`))
    }
    Object.assign(client, { query: noted })
  })
  return { pool, heard }
}

/** What concerns writes and their commit: the end of what was read before comes when it likes. */
const of = (heard: readonly string[]): string[] =>
  heard.filter((what) => /^(?:chatelaine_checkpoints|commit)/.test(what))

const kept = (...sizes: readonly number[]) => sizes.map((size) => checkpoint(size))
/** Waits for what was asked for, as core does, after the last word. */
const saying =
  (ask: (tx: StorageTransaction) => readonly Promise<unknown>[]) =>
  async (tx: StorageTransaction): Promise<void> => {
    const asked = ask(tx)
    tx.last?.()
    await Promise.all(asked)
  }

describe('P7 the commit of a transaction that has said its last word', () => {
  test('is sent before anything is answered, where the client can', async () => {
    const { pool, heard } = watched({ pipeline: true })
    const { storage } = await opened({ pool })
    await makeLock(storage)
    heard.length = 0
    await storage.transact(
      'default',
      saying((tx) => [tx.append('checkpoints', kept(1, 2)), tx.append('records', [])]),
    )
    expect(of(heard)).toEqual(['chatelaine_checkpoints?', 'commit?', 'chatelaine_checkpoints!', 'commit!'])
    expect(await sizesIn(storage)).toEqual([1, 2])
  })

  test.each([
    [
      'what clashes without ending the transaction',
      true,
      (tx: StorageTransaction) => [tx.insert('checkpoints', checkpoint(1))],
    ],
    ['what may not be there', true, (tx: StorageTransaction) => [tx.remove('checkpoints', ['default', 9])]],
    ['a client that waits for each answer', false, (tx: StorageTransaction) => [tx.append('checkpoints', kept(1))]],
  ])('waits for the answers with %s', async (_, pipeline, ask) => {
    const { pool, heard } = watched({ pipeline })
    const { storage } = await opened({ pool })
    await makeLock(storage)
    await put(storage, 9)
    heard.length = 0
    await storage.transact('default', saying(ask))
    expect(of(heard)).toEqual(['chatelaine_checkpoints?', 'chatelaine_checkpoints!', 'commit?', 'commit!'])
  })

  test('does nothing where something clashes, and the connection goes on', async () => {
    const { pool, heard } = watched({ pipeline: true })
    const { storage } = await opened({ pool })
    await makeLock(storage)
    await put(storage, 2)
    heard.length = 0
    const clashing = saying((tx) => [
      tx.append('checkpoints', kept(1)),
      tx.append('checkpoints', kept(2)),
      tx.append('checkpoints', kept(3)),
    ])
    expect(isStorageConflict(await rejection(storage.transact('default', clashing)))).toBe(true)
    expect(heard.filter((what) => what === 'commit?')).toHaveLength(1)
    expect(heard).not.toContain('rollback?')
    expect(await sizesIn(storage)).toEqual([2])
    await put(storage, 4)
    expect(await sizesIn(storage)).toEqual([2, 4])
    expect(pool.totalCount).toBe(2)
  })

  test('does nothing where the server writes something else than it was given', async () => {
    const { storage, schema } = await opened()
    await makeLock(storage)
    const ask = await stranger()
    await ask(`create function ${schema}.meddle() returns trigger language plpgsql as $$ begin
      if new.size = 2 then new.note := 'meddled with'; end if;
      if new.size = 3 then return null; end if;
      return new; end $$`)
    await ask(`create trigger meddling before insert on ${schema}.chatelaine_checkpoints
      for each row execute function ${schema}.meddle()`)
    for (const size of [2, 3]) {
      const write = saying((tx) => [tx.append('checkpoints', kept(1)), tx.append('checkpoints', kept(size))])
      const failure = await failureOf(storage.transact('default', write))
      expect(failure).toMatchObject({ transient: false, outcome: 'none', message: expect.stringContaining('triggers') })
    }
    expect(await sizesIn(storage)).toEqual([])
  })

  test('is not sent where something failed before it was sent', async () => {
    const { pool, heard } = watched({ pipeline: true })
    const { storage } = await opened({ pool })
    await makeLock(storage)
    heard.length = 0
    const wrong = saying((tx) => [
      tx.append('checkpoints', kept(1)),
      tx.append('checkpoints', [{ ...checkpoint(2), size: 0.5 }]),
    ])
    await failureOf(storage.transact('default', wrong))
    expect(heard).not.toContain('commit?')
    expect(await sizesIn(storage)).toEqual([])
  })

  test('is not sent where the transaction has not begun, and nothing of it is done', async () => {
    let isRefusing = false
    const { pool, heard } = watched({ pipeline: true }, (query, asked) =>
      query(
        isRefusing && asked.text.startsWith('begin isolation level read committed') ? { text: 'select 1 / 0' } : asked,
      ),
    )
    const { storage } = await opened({ pool })
    await makeLock(storage)
    heard.length = 0
    isRefusing = true
    const write = saying((tx) => [tx.append('checkpoints', kept(1))])
    expect(await failureOf(storage.transact('default', write, { early: true }))).toMatchObject({ outcome: 'none' })
    expect(heard).not.toContain('commit?')
    expect(await sizesIn(storage)).toEqual([])
  })

  test('is waited for when the signal aborts meanwhile: what was committed is told', async () => {
    const controller = new AbortController()
    let isArmed = false
    const { pool } = watched({ pipeline: true }, async (query, asked) => {
      const answer = query(asked)
      if (isArmed && asked.text === 'commit') controller.abort()
      return answer
    })
    const { storage } = await opened({ pool })
    await makeLock(storage)
    const write = async (tx: StorageTransaction): Promise<string> => {
      await saying((to) => [to.append('checkpoints', kept(1))])(tx)
      return 'done'
    }
    const { signal } = controller
    isArmed = true
    expect(await storage.transact('default', write, { signal })).toBe('done')
    expect(controller.signal.aborted).toBe(true)
    expect(await sizesIn(storage)).toEqual([1])
  })

  test.for(['lost', 'applied', 'in-flight'] as const)(
    'F102 whose answer nobody heard has an unknown outcome: %s',
    async (mishap, { skip }) => {
      const proxy = await PostgresProxy.start()
      if (proxy === undefined) return skip('The server has no Unix socket to stand before.')
      const { storage } = await opened({ connectionString: proxy.url })
      await makeLock(storage)
      proxy.arm(mishap)
      const write = saying((tx) => [tx.append('checkpoints', kept(1))])
      expect(await failureOf(storage.transact('default', write))).toMatchObject({ transient: true, outcome: 'unknown' })
      const found = await storage.transact('default', (tx) => tx.get('checkpoints', ['default', 1]))
      expect(found !== undefined).toBe(mishap !== 'lost')
      await put(storage, 2)
    },
  )
})
