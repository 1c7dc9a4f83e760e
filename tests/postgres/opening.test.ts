import { tables } from '@chatelaine/core/storage'
import type { TableDescriptor } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import pg from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failureOf, plain } from '../support/failures.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'
import { PostgresServer } from '../support/postgres-server.ts'
import { checkpoint, fresh, hostPool, makeLock, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'

/** A server of the test's own. `undefined` where another one was named for the tests, or there is none to start. */
async function ownServer(...settings: readonly string[]): Promise<PostgresServer | undefined> {
  const server = await PostgresServer.start({ settings })
  onTestFinished(() => server?.remove())
  return server
}

describe('F92 names and values', () => {
  const evil = ['a"; drop table x; --', "a'b", 'a.b', 'a b', '', 'pg_toast', 'information_schema', 'a\0', '1a', 'ä']
  test.each(evil)('a schema called %j is refused before anything connects', async (schema) => {
    const failure = await failureOf((async () => postgresStorage({ connectionString: serverUrl(), schema }))())
    expect(failure).toMatchObject({ transient: false, outcome: 'none' })
  })

  test.each([...evil.filter((name) => !/^(?:pg_|information)/.test(name)), 'a-b', 'x'.repeat(33)])(
    'a prefix %j is refused before anything connects',
    async (tablePrefix) => {
      const failure = await failureOf((async () => postgresStorage({ connectionString: serverUrl(), tablePrefix }))())
      expect(failure.message).toContain('tablePrefix')
    },
  )

  test('a schema with capitals, a dash or a reserved word is quoted, and tables live beside others in it', async () => {
    for (const schema of ['Select', 'my-App$1']) {
      const ask = await stranger()
      onTestFinished(async () => void (await ask(`drop schema "${schema}" cascade`)))
      const first = await opened({ schema })
      const second = await opened({ schema, tablePrefix: 'Order_' })
      await put(first.storage, 1)
      expect([await sizesIn(first.storage), await sizesIn(second.storage)]).toEqual([[1], []])
      expect(await ask(`select count(*)::int from "${schema}"."Order_checkpoints"`)).toEqual([0])
    }
  })

  test('text is a value and never a statement, in every verb and in the lock', async () => {
    const { storage } = await opened()
    const texts = ["'; drop schema public; --", String.raw`\'; select 1; --`, '$1', "E'\\x27'", '{"a","b"}', 'NULL', '']
    const tenants = texts.filter((text) => text !== '')
    for (const tenant of tenants) {
      await makeLock(storage, tenant)
      await storage.transact(tenant, async (tx) => {
        const rows = texts.map((note, size) => ({ tenant, size, note, createdAt: 1 }))
        await tx.append('checkpoints', rows)
        expect(await tx.range('checkpoints', { prefix: [tenant], limit: 100 })).toEqual(rows)
        expect(await tx.get('checkpoints', [tenant, 2])).toEqual(rows[2])
        await tx.remove('checkpoints', [tenant, 2])
      })
    }
    expect(await storage.snapshot((view) => view.range('locks', { prefix: [], limit: 100 }))).toHaveLength(
      tenants.length,
    )
  })
})

describe('F95 settings of server, role and host', () => {
  test('a server with fsync=off is refused, unless that is asked for', async ({ skip }) => {
    const server = await ownServer('fsync=off')
    if (server === undefined) return skip('There is no server to start.')
    const strict = postgresStorage(server.url)
    expect((await failureOf(strict.open(tables))).message).toContain('fsync')
    await strict.close()
    const lax = postgresStorage({ connectionString: server.url, allowUnsafeDurability: true })
    expect(await lax.open(tables)).toEqual({ exists: false })
    await lax.close()
  })

  test('a database in another encoding is refused', async () => {
    const ask = await stranger()
    const name = freshSchema()
    await ask(`create database ${name} encoding 'LATIN1' locale 'C' template template0`)
    onTestFinished(async () => void (await ask(`drop database ${name} (force)`)))
    const { storage } = fresh({ connectionString: serverUrl().replace('/postgres?', `/${name}?`), schema: 'kms' })
    expect((await failureOf(storage.open(tables))).message).toContain('LATIN1')
    await storage.close()
  })

  const hostile = [
    'set synchronous_commit = off',
    'set default_transaction_isolation = serializable',
    "set default_transaction_isolation = 'read uncommitted'",
    'set default_transaction_read_only = off',
    'set search_path = evil, pg_catalog, public',
    "set timezone = 'Asia/Kathmandu'",
    'set client_encoding = LATIN1',
    'set standard_conforming_strings = off',
    'set bytea_output = escape',
    'set extra_float_digits = -15',
    "set datestyle = 'German'",
    'set row_security = off',
  ]

  test('whatever a host sets on its connections, values and durability stay as they are', async () => {
    const ask = await stranger()
    await ask('create schema if not exists evil')
    await ask('create or replace function evil.meddle(text, text) returns boolean language sql as $$ select true $$')
    await ask(
      `do $$ begin if not exists (select from pg_operator where oprnamespace = 'evil'::regnamespace) then
         create operator evil.= (leftarg = text, rightarg = text, function = evil.meddle); end if; end $$`,
    )
    const pool = hostPool()
    pool.on('connect', (client) => void client.query(hostile.join('; ')))
    const clients = new Set<pg.PoolClient>()
    pool.on('acquire', (client) => clients.add(client))
    const { storage } = await opened({ pool })
    await makeLock(storage)
    const keyed = {
      tenant: 'default',
      epoch: 1,
      provider: 'é\\\u{10ffff}',
      wrapped: Uint8Array.of(0, 92, 255),
      createdAt: 2 ** 53 - 1,
      rev: 1,
    }
    await storage.transact('default', async (tx) => {
      await tx.insert('keyring', keyed)
      expect(await tx.get('keyring', ['other', 1])).toBeUndefined()
      const within = (): pg.PoolClient[] => [...clients].filter((one) => one.getTransactionStatus() === 'T')
      // The end of a snapshot may still be under way on another connection: nobody waits for it.
      await expect.poll(within).toHaveLength(1)
      const [client] = within()
      const sql = "select current_setting('synchronous_commit') as a, current_setting('transaction_isolation') as b"
      expect((await client?.query(sql))?.rows).toEqual([{ a: 'on', b: 'read committed' }])
    })
    const row = await storage.snapshot((view) => view.get('keyring', ['default', 1]))
    expect(plain(row)).toEqual(plain(keyed))
  })

  test('a host that changed how pg reads values changes nothing here', async () => {
    const ids = [pg.types.builtins.INT8, pg.types.builtins.TEXT, pg.types.builtins.BYTEA]
    const before = ids.map((id) => pg.types.getTypeParser(id))
    for (const id of ids) pg.types.setTypeParser(id, () => 'hijacked' as never)
    onTestFinished(() => ids.forEach((id, at) => pg.types.setTypeParser(id, before[at] as never)))
    const { storage } = await opened()
    await put(storage, 7)
    expect(await storage.snapshot((view) => view.get('checkpoints', ['default', 7]))).toEqual(checkpoint(7))
  })

  test('a pool set to binary results, which pg cannot read, is refused', async () => {
    const { storage } = fresh({ pool: hostPool({ binary: true } as pg.PoolConfig) })
    expect((await failureOf(storage.open(tables))).message).toContain('binary')
  })

  test('an integer that no number can hold is a failure, not another number', async () => {
    const { storage, schema } = await opened()
    const ask = await stranger()
    await ask(`insert into ${schema}.chatelaine_checkpoints values ('default', 9007199254740993, 'note', 1)`)
    expect((await failureOf(sizesIn(storage))).message).toContain('checkpoints.size')
  })

  test.each(['deallocate all', 'alter table S.chatelaine_checkpoints alter createdAt type bigint'])(
    'prepared statements that %j has spoiled are prepared again',
    async (deed) => {
      const pool = hostPool()
      const clients = new Set<pg.PoolClient>()
      pool.on('acquire', (client) => clients.add(client))
      const { storage, schema } = await opened({ pool })
      await put(storage, 1)
      await sizesIn(storage)
      const statement = deed.replace('S.', `${schema}.`).replace('createdAt', '"createdAt"')
      for (const client of clients) await client.query(statement)
      await expect
        .poll(() =>
          put(storage, 2).then(
            () => 'done',
            (error: { transient?: unknown }) => error.transient,
          ),
        )
        .toBe('done')
      await expect.poll(() => sizesIn(storage).catch(() => 'not yet')).toEqual([1, 2])
    },
  )
})

const newest = Math.max(...tables.map(({ since }) => since))

describe('opening', () => {
  const later: TableDescriptor = {
    name: 'later',
    since: newest + 1,
    columns: { tenant: { type: 'text' } },
    primaryKey: ['tenant'],
    indexes: [],
  }

  test('F99 a schema newer than this version knows is refused', async () => {
    const { storage, schema } = fresh()
    await storage.open([...tables, later])
    await storage.migrate()
    await storage.close()
    const failure = await failureOf(fresh({ schema }).storage.open(tables))
    expect(failure.message).toMatch(new RegExp(`newer.*"000${newest + 1}"`))
  })

  test('a server that cannot be reached is a transient failure that does not say the way', async () => {
    const { storage } = fresh({ connectionString: 'postgresql://me:s3cret@127.0.0.1:9/db', schema: 'kms' })
    const failure = await failureOf(storage.open(tables))
    expect(failure).toMatchObject({ transient: true, outcome: 'none' })
    const { inspect } = await import('node:util')
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toMatch(/s3cret|127\.0\.0\.1/)
  })

  test('happens once, and nothing else works before it or after the end', async () => {
    const { storage } = fresh()
    await failureOf(storage.migrate())
    await failureOf(put(storage, 1))
    await storage.open(tables)
    expect((await failureOf(storage.open(tables))).message).toContain('opened before')
    await storage.close()
    await storage.close()
    expect((await failureOf(sizesIn(storage))).message).toContain('closed')
    await failureOf(storage.open(tables))
  })

  test.each([
    {},
    { pool: {} },
    { connectionString: '' },
    { connectionString: serverUrl, pool: {} },
    { lockTimeoutMs: -1 },
    { migrate: 1 },
  ])('options that cannot be meant are refused: %j', async (given) => {
    const options = 'lockTimeoutMs' in given || 'migrate' in given ? { connection: {}, ...given } : given
    const failure = await failureOf((async () => postgresStorage(options as never))())
    expect(failure).toMatchObject({ transient: false, outcome: 'none' })
  })
})
