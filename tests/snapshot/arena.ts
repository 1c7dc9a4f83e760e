import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import Database from 'better-sqlite3'
import path from 'node:path'
import pg from 'pg'

/** A KMS whose batches are timed, and a way to hold a transaction open beside it. */
export interface Arena {
  /** Writes so many batches, one after the other. */
  write(batches: number): Promise<void>
  /** Opens a transaction that has read the state as it is now, and stays open to the end. */
  hold(): Promise<void>
  /** What the held transaction sees. */
  heldRecords(): Promise<number>
  close(): Promise<void>
}

interface Holder {
  begin(): Promise<number>
  count(): Promise<number>
  end(): Promise<void>
}

/** A KMS on a PostgreSQL database that nobody else uses: what holds a snapshot there concerns no other database. */
export async function postgresArena(url: string, schema = 'chatelaine'): Promise<Arena> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  const sql = `select count(*)::int as count from ${schema}.chatelaine_records`
  const count = async (): Promise<number> => (await client.query<{ count: number }>(sql)).rows[0]?.count ?? 0
  const begin = async (): Promise<number> => {
    await client.query('begin isolation level repeatable read')
    return count()
  }
  return open(postgresStorage({ connectionString: url, schema }), { begin, count, end: async () => client.end() })
}

/** A KMS on a SQLite file. */
export async function sqliteArena(folder: string): Promise<Arena> {
  const file = path.join(folder, 'kms.db')
  const reader = { database: undefined as Database.Database | undefined }
  const count = async (): Promise<number> => {
    const statement = reader.database?.prepare('select count(*) as count from chatelaine_records')
    return (statement?.get() as { count: number } | undefined)?.count ?? 0
  }
  const begin = async (): Promise<number> => {
    reader.database = new Database(file, { readonly: true })
    reader.database.exec('begin')
    return count()
  }
  return open(sqliteStorage(file), { begin, count, end: async () => void reader.database?.close() })
}

async function open(storage: StorageAdapter, holder: Holder): Promise<Arena> {
  const kms: Kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()), deadlineMs: 60_000 })
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  return {
    write: async (batches) => {
      // Nobody else asks, so each operation is a batch of its own.
      for (let batch = 0; batch < batches; batch++) await kms.encrypt({ key: 'orders', plaintext: 'x' })
    },
    hold: async () => void (await holder.begin()),
    heldRecords: holder.count,
    close: async () => {
      await holder.end()
      await kms.close()
    },
  }
}
