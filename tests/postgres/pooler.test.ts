import { createKms, generateRootKey, isKmsError, localRootKey } from '@chatelaine/core'
import type { Kms } from '@chatelaine/core'
import { storageFailureOf, tables } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import type pg from 'pg'
import { Pooler } from '../support/pgbouncer.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'
import { fresh, hostPool, makeLock, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'

const preparedStatements = false

/** What an administrator might have set for every connection of the pooler. */
const hostile = [
  'set synchronous_commit = off',
  "set search_path = ''",
  'set bytea_output = escape',
  "set default_transaction_isolation = 'serializable'",
]

/** A pooler for this test. `undefined` where there is no pgbouncer: the test is skipped then. */
async function pooler(size = 4, connectQuery?: string): Promise<Pooler | undefined> {
  const made = await Pooler.start({ url: serverUrl(), size, connectQuery })
  onTestFinished(() => made?.remove())
  return made
}

async function house(connectionString: string, schema: string, rootKey: string): Promise<Kms> {
  const storage = postgresStorage({ connectionString, schema, preparedStatements })
  const kms = await createKms({ storage, rootKey: localRootKey(rootKey) })
  onTestFinished(() => kms.close())
  return kms
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isKmsError(error) ? error.code : String(error)),
  )

/** What is set in a transaction that has written. */
interface Within {
  readonly pid: number
  readonly commit: string
  readonly isolation: string
  readonly path: string
}

interface Signal {
  readonly reached: Promise<void>
  readonly reach: () => void
}

function signalled(): Signal {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { reached: promise, reach: resolve }
}

describe('F95 behind pgbouncer in transaction mode', () => {
  test('a KMS keeps a chain that verifies, and what one process revokes is refused in the other at once', async ({
    skip,
  }) => {
    const bouncer = await pooler()
    if (bouncer === undefined) return skip(Pooler.missing)
    const [schema, rootKey] = [freshSchema(), generateRootKey()]
    const [left, right] = await Promise.all([house(bouncer.url, schema, rootKey), house(bouncer.url, schema, rootKey)])
    await left.keys.create({ name: 'orders', spec: 'AES_256' })
    for (let round = 0; round < 10; round++) {
      const grant = await left.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'] })
      const billing = right.as('billing')
      const calls = Array.from({ length: 40 }, (_, at) =>
        codeOf((at % 2 === 0 ? left.as('billing') : billing).encrypt({ key: 'orders', plaintext: 'x' })),
      )
      expect(new Set(await Promise.all(calls))).toEqual(new Set(['done']))
      await left.grants.revoke({ grant: grant.id })
      expect(await codeOf(billing.encrypt({ key: 'orders', plaintext: 'x' }))).toBe('ACCESS_DENIED')
      await right.keys.rotate({ key: 'orders' })
      expect((await left.encrypt({ key: 'orders', plaintext: 'x' })).keyVersion).toBe(round + 2)
    }
    expect(await right.audit.verify()).toMatchObject({ ok: true })
  })

  test('every transaction has its own settings on whatever connection it gets, and leaves none behind', async ({
    skip,
  }) => {
    const bouncer = await pooler(3, hostile.join('; '))
    if (bouncer === undefined) return skip(Pooler.missing)
    const pool = hostPool({ connectionString: bouncer.url })
    const clients = new Set<pg.PoolClient>()
    pool.on('acquire', (client) => clients.add(client))
    const { storage } = await opened({ pool, preparedStatements })
    await makeLock(storage)
    const within = `select pg_backend_pid() as pid, current_setting('synchronous_commit') as commit,
      current_setting('transaction_isolation') as isolation, current_setting('search_path') as path
      where pg_current_xact_id_if_assigned() is not null`
    // Snapshots that are open at once make the pooler connect as often as it may. It then takes turns with them.
    const together = Array.from({ length: 3 }, () => signalled())
    const reading = together.map((mine) =>
      storage.snapshot(async (view) => {
        await view.get('locks', ['default'])
        mine.reach()
        await Promise.all(together.map(({ reached }) => reached))
      }),
    )
    await Promise.all(reading)
    const seen: Within[] = []
    for (let size = 0; size < 20; size++) {
      await storage.transact('default', async (tx) => {
        await tx.insert('keyring', {
          tenant: 'default',
          epoch: size,
          provider: 'é',
          wrapped: Buffer.of(0, 92, 255),
          createdAt: 1,
          rev: 1,
        })
        for (const client of [...clients].filter((one) => one.getTransactionStatus() === 'T')) {
          seen.push(...(await client.query<Within>(within)).rows)
        }
      })
      const row = await storage.snapshot((view) => view.get('keyring', ['default', size]))
      expect(Buffer.from(row?.['wrapped'] as Uint8Array)).toEqual(Buffer.of(0, 92, 255))
    }
    expect(seen).toHaveLength(20)
    expect(new Set(seen.map(({ pid }) => pid)).size).toBeGreaterThan(1)
    const settings = new Set(seen.map(({ commit, isolation, path }) => [commit, isolation, path].join()))
    expect([...settings]).toEqual(['on,read committed,pg_catalog'])
    const ask = await stranger(bouncer.url)
    for (let at = 0; at < 9; at++) {
      expect(await ask("select current_setting('synchronous_commit') || current_setting('search_path')")).toEqual([
        'off""',
      ])
    }
  })

  test('processes that open, migrate and write at once exclude each other', async ({ skip }) => {
    const bouncer = await pooler()
    if (bouncer === undefined) return skip(Pooler.missing)
    const schema = freshSchema()
    const options = { connectionString: bouncer.url, schema, preparedStatements }
    const all = Array.from({ length: 4 }, () => fresh(options).storage)
    await Promise.all(all.map((storage) => storage.open(tables)))
    await Promise.all(all.map((storage) => storage.migrate()))
    await makeLock(all[0] as (typeof all)[number])
    const count = (storage: (typeof all)[number]): Promise<void> =>
      storage.transact('default', async (tx) => {
        const rows = await tx.range('checkpoints', { prefix: ['default'], order: 'desc', limit: 1 })
        const size = Number(rows[0]?.['size'] ?? 0) + 1
        await tx.insert('checkpoints', { tenant: 'default', size, note: 'n', createdAt: 1 })
      })
    await Promise.all(Array.from({ length: 60 }, (_, at) => count(all[at % 4] as (typeof all)[number])))
    expect(await sizesIn(all[3] as (typeof all)[number])).toEqual(Array.from({ length: 60 }, (_, at) => at + 1))
  })

  test('a pooler that dies fails what is under way by name, and what comes after its return works', async ({
    skip,
  }) => {
    const bouncer = await pooler()
    if (bouncer === undefined) return skip(Pooler.missing)
    const { storage } = await opened({ connectionString: bouncer.url, preparedStatements })
    await makeLock(storage)
    const writing = storage.transact('default', async (tx) => {
      await bouncer.kill()
      await tx.append('checkpoints', [{ tenant: 'default', size: 1, note: 'n', createdAt: 1 }])
    })
    const error: unknown = await writing.catch((reason: unknown) => reason)
    expect(storageFailureOf(error)).toMatchObject({ transient: true, outcome: 'none' })
    await bouncer.start()
    await expect.poll(() => put(storage, 2).then(() => 'done', String), { timeout: 5000 }).toBe('done')
    expect(await sizesIn(storage)).toEqual([2])
  })

  test('with prepared statements left on, an operation is done or refused by name, and never half of it', async ({
    skip,
  }) => {
    const bouncer = await pooler(3)
    if (bouncer === undefined) return skip(Pooler.missing)
    const { schema } = await opened()
    const { storage } = fresh({ connectionString: bouncer.url, schema, preparedStatements: true })
    const done: number[] = []
    // A pooler of version 1.21 or later may look after prepared statements. An older one is found out, at opening as a rule.
    const write = async (size: number): Promise<void> => {
      if (size === 0) await storage.open(tables)
      await put(storage, size)
      done.push(size)
    }
    for (let size = 0; size < 30; size++) {
      const failure = storageFailureOf(await write(size).catch((reason: unknown) => reason))
      if (failure !== undefined) expect(failure).toMatchObject({ outcome: 'none' })
      if (size === 0 && failure !== undefined) {
        expect(failure.message).toContain('preparedStatements')
        break
      }
    }
    const { storage: direct } = await opened({ schema })
    expect(await sizesIn(direct)).toEqual(done)
  })
})
