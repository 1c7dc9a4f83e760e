import { tables } from '@chatelaine/core/storage'
import type { TableDescriptor } from '@chatelaine/core/storage'
import type { PostgresClient, PostgresQuery } from '@chatelaine/storage-postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failureOf } from '../support/failures.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'
import { fresh, hostPool, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'

const tenant = { type: 'text' } as const
const newest = Math.max(...tables.map(({ since }) => since))
const later: TableDescriptor = {
  name: 'later',
  since: newest + 1,
  columns: { tenant },
  primaryKey: ['tenant'],
  indexes: [],
}

/** Enough of them to put in. */
const few = tables.filter(({ name }) => ['locks', 'checkpoints'].includes(name))

const tablesIn = async (schema: string): Promise<unknown[]> => {
  const ask = await stranger()
  return ask('select relname::text from pg_class where relnamespace = to_regnamespace($1) and relkind = $2', [
    schema,
    'r',
  ])
}

/** A pool whose client fails at its nth statement, before or after the server has run it, and is gone then. */
function failingPool(at: number, position: 'before' | 'after') {
  const pool = hostPool()
  const state = { statements: 0 }
  const connect = async (): Promise<PostgresClient> => {
    const client = await pool.connect()
    const query = async (config: PostgresQuery): Promise<unknown> => {
      const isTheOne = ++state.statements === at
      if (isTheOne && position === 'before') throw new Error('Connection terminated')
      const result: unknown = await client.query({ ...config, types: config.types as never })
      if (isTheOne) throw new Error('Connection terminated')
      return result
    }
    const on = client.on.bind(client) as PostgresClient['on']
    const removeListener = client.removeListener.bind(client) as PostgresClient['removeListener']
    return { query, on, removeListener, release: (destroy) => client.release(destroy) }
  }
  return {
    state,
    pool: {
      connect,
      on: (event: 'error', listener: (error: Error) => void): unknown => pool.on(event, listener),
      removeListener: (event: 'error', listener: (error: Error) => void): unknown =>
        pool.removeListener(event, listener),
    },
  }
}

describe('F99 migrations', () => {
  test('of several processes at once all succeed, and are done once', async () => {
    const { storage, schema } = fresh()
    const others = Array.from({ length: 5 }, () => fresh({ schema }).storage)
    const all = [storage, ...others]
    await Promise.all(all.map((one) => one.open(tables)))
    await Promise.all(all.map((one) => one.migrate()))
    await Promise.all(all.map((one, size) => put(one, size)))
    expect(await sizesIn(storage)).toEqual([0, 1, 2, 3, 4, 5])
    const ask = await stranger()
    expect(await ask(`select name from "${schema}".chatelaine_migrations`)).toEqual(
      Array.from({ length: newest }, (_, at) => `000${at + 1}`),
    )
  })

  test('of several prefixes at once create their schema once', async () => {
    for (let round = 0; round < 3; round++) {
      const schema = freshSchema()
      const all = ['p_', 'q_', 'r_', 's_'].map((tablePrefix) => fresh({ schema, tablePrefix }).storage)
      await Promise.all(all.map((one) => one.open(tables)))
      await Promise.all(all.map((one) => one.migrate()))
      await Promise.all(all.map((one, size) => put(one, size)))
      expect(await Promise.all(all.map(sizesIn))).toEqual([[0], [1], [2], [3]])
    }
  })

  test('that fail say why, and not what came of it', async () => {
    const ask = await stranger()
    const role = freshSchema()
    await ask(`create role ${role} login`)
    onTestFinished(async () => void (await ask(`drop role ${role}`)))
    const connectionString = serverUrl().replace('//postgres@', `//${role}@`)
    const { storage } = fresh({ connectionString })
    await storage.open(tables)
    const failure = await failureOf(storage.migrate())
    expect(failure).toMatchObject({ transient: false, outcome: 'none' })
    expect(failure.message).toContain('42501')
  })

  test.each(['before', 'after'] as const)(
    'broken off %s any statement leave what the next one completes',
    async (position) => {
      for (let at = 1; ; at++) {
        const { pool, state } = failingPool(at, position)
        const { storage, schema } = fresh({ pool })
        const outcome = await storage
          .open(few)
          .then(() => storage.migrate())
          .then(
            () => 'done',
            (error: { transient?: unknown; outcome?: unknown }) => error,
          )
        await storage.close()
        if (outcome === 'done' && state.statements < at) return expect(at).toBeGreaterThan(15)
        const next = fresh({ schema }).storage
        await next.open(few)
        await next.migrate()
        await put(next, 1)
        expect(await sizesIn(next)).toEqual([1])
        await next.close()
      }
    },
    120_000,
  )

  test('that fail leave nothing, no lock and no connection behind', async () => {
    const { storage, schema } = fresh()
    await storage.open(tables)
    const ask = await stranger()
    await ask(`create schema ${schema}`)
    await ask(`create table ${schema}.other (x int); create index chatelaine_records_by_key on ${schema}.other (x)`)
    expect(await failureOf(storage.migrate())).toMatchObject({ transient: false, outcome: 'none' })
    expect(await tablesIn(schema)).toEqual(['other'])
    await ask(`drop table ${schema}.other`)
    await storage.migrate()
    await put(storage, 1)
  })

  test('add what a newer version brings, and keep what was there', async () => {
    const { storage, schema } = await opened()
    await put(storage, 1)
    await storage.close()
    const newer = fresh({ schema }).storage
    expect(await newer.open([...tables, later])).toEqual({ exists: true })
    await newer.migrate()
    await newer.transact('default', (tx) => tx.insert('later', { tenant: 'default' }))
    expect(await sizesIn(newer)).toEqual([1])
  })

  test.each(['create table S.chatelaine_keys (id int)', 'create view S.chatelaine_keys as select 1 as id'])(
    'refuse what stands under a name of theirs: %s',
    async (deed) => {
      const { storage, schema } = fresh()
      const ask = await stranger()
      await ask(`create schema ${schema}`)
      await ask(deed.replace('S.', `${schema}.`))
      expect((await failureOf(storage.open(tables))).message).toContain('chatelaine_keys')
      expect(await tablesIn(schema)).not.toContain('chatelaine_migrations')
    },
  )

  test('left to somebody else are an error where they are missing', async () => {
    const { storage, schema } = fresh({ migrate: false })
    expect(await storage.open(tables)).toEqual({ exists: false })
    expect((await failureOf(storage.migrate())).message).toContain('migrate: false')
    expect(await tablesIn(schema)).toEqual([])
    await opened({ schema })
    const other = fresh({ schema, migrate: false }).storage
    expect(await other.open(tables)).toEqual({ exists: true })
    await other.migrate()
    await put(other, 1)
  })
})
