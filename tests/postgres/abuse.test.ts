import { StorageFailure, storageFailureOf, tables } from '@chatelaine/core/storage'
import type { PostgresClient, PostgresPool, PostgresQuery } from '@chatelaine/storage-postgres'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { failureOf, rejection } from '../support/failures.ts'
import { checkpoint, fresh, hostPool, makeLock, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'

/** A pool in which the answers to some statements are others, from when it is told so. */
function meddled(answer: (query: PostgresQuery, real: () => Promise<unknown>) => unknown) {
  const pool = hostPool()
  const state = { isMeddling: false }
  const made: PostgresPool = {
    on: (event, listener) => pool.on(event, listener),
    removeListener: (event, listener) => pool.removeListener(event, listener),
    connect: async (): Promise<PostgresClient> => {
      const client = await pool.connect()
      const query = async (config: PostgresQuery): Promise<unknown> => {
        const real = async (): Promise<unknown> => client.query({ ...config, types: config.types as never })
        return state.isMeddling ? answer(config, real) : real()
      }
      return {
        query,
        on: (event, listener) => client.on(event, listener),
        removeListener: (event, listener) => client.removeListener(event, listener),
        release: (destroy) => client.release(destroy),
      }
    },
  }
  return { pool: made, state }
}

const rows = (...list: unknown[]) => ({ rows: list, rowCount: list.length, command: 'SELECT' })
const forged = checkpoint(1)

const lies: readonly (readonly [what: string, answer: (real: () => Promise<unknown>) => unknown])[] = [
  ['text for an integer', () => rows({ ...forged, size: '1' })],
  ['an unsafe integer', () => rows({ ...forged, size: 2 ** 60 })],
  ['an object for text', () => rows({ ...forged, note: { toString: () => 'note' } })],
  ['null where none was', () => rows({ ...forged, note: null })],
  ['rows without their columns', () => rows({})],
  ['something thrown that is no error', () => Promise.reject('a text' as unknown as Error)],
  ['undefined thrown', () => Promise.reject(undefined as unknown as Error)],
]

describe('F100 a pool that does not keep its word', () => {
  test.each(lies)('%s is a failure that is not transient, or a lost connection', async (_, answer) => {
    const { pool, state } = meddled((query, real) => (query.text.startsWith('select') ? answer(real) : real()))
    const { storage } = await opened({ pool })
    await put(storage, 1)
    state.isMeddling = true
    expect(storageFailureOf(await rejection(sizesIn(storage)))).toBeInstanceOf(StorageFailure)
    state.isMeddling = false
    expect(await sizesIn(storage)).toEqual([1])
  })

  test('an answer that never comes is given up by the deadline, and its connection with it', async () => {
    const { pool, state } = meddled(() => new Promise(() => undefined))
    const { storage } = await opened({ pool })
    await makeLock(storage)
    state.isMeddling = true
    const started = performance.now()
    const writing = storage.transact('default', async () => undefined, { signal: AbortSignal.timeout(100) })
    expect(await failureOf(writing)).toMatchObject({ transient: true, outcome: 'none' })
    expect(performance.now() - started).toBeLessThan(1500)
    state.isMeddling = false
    await put(storage, 1)
    expect(await sizesIn(storage)).toEqual([1])
  })

  test('a connection that never comes is given up as well, and one that comes too late is given back', async () => {
    const real = hostPool({ max: 4 })
    let late: (() => void) | undefined
    const pool: PostgresPool = {
      on: (event, listener) => real.on(event, listener),
      removeListener: (event, listener) => real.removeListener(event, listener),
      connect: () =>
        new Promise((resolve, reject) => {
          late = () => void real.connect().then((client) => resolve(client as never), reject)
        }),
    }
    const { storage } = fresh({ pool, lockTimeoutMs: 100 })
    expect(await failureOf(storage.open(tables))).toMatchObject({ transient: true, outcome: 'none' })
    late?.()
    await expect.poll(() => [real.totalCount, real.idleCount]).toEqual([1, 1])
  })

  test('no error carries a value of a row, whatever the server says of it', async () => {
    const { storage, schema } = await opened()
    const secret = 'S3CRET-VALUE'
    await storage.transact('default', (tx) => tx.append('checkpoints', [checkpoint(1, secret)]))
    const ask = await stranger()
    const raise = `raise exception 'seen %', new.note using detail = new.note, hint = new.note`
    await ask(`create function ${schema}.tell() returns trigger language plpgsql as $$ begin ${raise}; end $$`)
    const errors = [
      await rejection(storage.transact('default', (tx) => tx.append('checkpoints', [checkpoint(1, secret)]))),
      await rejection(storage.transact('default', (tx) => tx.insert('checkpoints', checkpoint(1, secret)))),
    ]
    await ask(
      `create trigger tell before insert on ${schema}.chatelaine_checkpoints for each row execute function ${schema}.tell()`,
    )
    errors.push(await failureOf(storage.transact('default', (tx) => tx.insert('checkpoints', checkpoint(2, secret)))))
    for (const error of errors) expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret)
  })

  test('a transaction of which a statement failed is not committed, even when nobody minds', async () => {
    const { storage } = await opened()
    await put(storage, 1)
    const careless = storage.transact('default', async (tx) => {
      await tx.insert('checkpoints', checkpoint(2))
      await tx.append('checkpoints', [checkpoint(1)]).catch(() => undefined)
    })
    expect(await failureOf(careless)).toMatchObject({ transient: false, outcome: 'none' })
    expect(await sizesIn(storage)).toEqual([1])
  })
})
