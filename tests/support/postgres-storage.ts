import { postgresStorage } from '@chatelaine/storage-postgres'
import type { PostgresStorageOptions } from '@chatelaine/storage-postgres'
import { tables } from '@chatelaine/core/storage'
import type { Row, StorageAdapter } from '@chatelaine/core/storage'
import pg from 'pg'
import { onTestFinished } from 'vitest'
import { freshSchema, serverUrl } from './postgres-schema.ts'

type Options = Partial<PostgresStorageOptions>

/** The first column of what a query finds. */
type Answer = (sql: string, values?: readonly unknown[]) => Promise<unknown[]>

/** A storage on a schema of the test's own, not opened yet. It is closed when the test ends. */
export function fresh(options: Options = {}): { readonly storage: StorageAdapter; readonly schema: string } {
  const schema = options.schema ?? freshSchema()
  const source = options.pool === undefined ? { connectionString: serverUrl() } : {}
  const storage = postgresStorage({ ...source, ...options, schema })
  onTestFinished(() => storage.close())
  return { storage, schema }
}

/** The same, open and migrated. */
export async function opened(
  options: Options = {},
): Promise<{ readonly storage: StorageAdapter; readonly schema: string }> {
  const made = fresh(options)
  await made.storage.open(tables)
  await made.storage.migrate()
  return made
}

/** A pool of the host's own, ended when the test ends. Nobody listens to its errors. */
export function hostPool(config: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: serverUrl(), max: 30, ...config })
  onTestFinished(async () => {
    if (!pool.ending) await pool.end()
  })
  return pool
}

/** Asks as somebody else, over a connection of their own. */
export async function stranger(url: string = serverUrl()): Promise<Answer> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  onTestFinished(() => client.end())
  return async (sql, values = []) => {
    const result = await client.query<unknown[]>({ text: sql, values: [...values], rowMode: 'array' })
    return (Array.isArray(result) ? [] : result.rows).map(([first]) => first)
  }
}

/** A row of `checkpoints`. */
export const checkpoint = (size: number, note = `note ${size}`): Row => ({
  tenant: 'default',
  size,
  note,
  createdAt: 1,
})

/** Inserts checkpoints of these sizes in one transaction. */
export const put = (storage: StorageAdapter, ...sizes: readonly number[]): Promise<void> =>
  storage.transact('default', (tx) =>
    tx.append(
      'checkpoints',
      sizes.map((size) => checkpoint(size)),
    ),
  )

/** Makes the row that transactions of the tenant lock. */
export const makeLock = (storage: StorageAdapter, tenant = 'default'): Promise<void> =>
  storage.transact(tenant, (tx) => tx.insert('locks', { tenant }))

/** The sizes of all checkpoints that there are. */
export async function sizesIn(storage: StorageAdapter): Promise<unknown[]> {
  const rows = await storage.snapshot((view) => view.range('checkpoints', { prefix: ['default'], limit: 1000 }))
  return rows.map((row) => row['size'])
}

/** Ends all sessions of an application, as an administrator would. */
export async function disconnect(application: string): Promise<void> {
  const ask = await stranger()
  await ask('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [application])
}
