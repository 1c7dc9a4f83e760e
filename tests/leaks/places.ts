import path from 'node:path'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import type { Kms } from '@chatelaine/core'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import pg from 'pg'
import { mostConnections, type Counts } from './leaks.ts'

/** A KMS, and what its storage holds. */
export interface Place {
  readonly kms: Kms
  readonly counts: Counts
  readonly end: () => Promise<void>
}

const rootKey = localRootKey(generateRootKey())

/** On a SQLite file in this folder. Its connections are files. */
export async function onSqlite(folder: string): Promise<Place> {
  const kms = await createKms({ storage: sqliteStorage(path.join(folder, 'kms.db')), rootKey })
  return { kms, counts: () => ({ connections: 0, listeners: 0 }), end: () => kms.close() }
}

/** On a PostgreSQL server, by a pool whose connections and listeners are counted. */
export async function onPostgres(url: string, schema: string): Promise<Place> {
  const pool = new pg.Pool({ connectionString: url, max: mostConnections })
  const clients = new Set<pg.PoolClient>()
  pool.on('connect', (client) => clients.add(client))
  pool.on('remove', (client) => clients.delete(client as pg.PoolClient))
  const kms = await createKms({ storage: postgresStorage({ pool, schema }), rootKey })
  const listeners = (): number => {
    const each = [...clients].map((client) => client.listenerCount('error') + client.listenerCount('drain'))
    return Math.max(0, ...each) + pool.listenerCount('error')
  }
  const end = async (): Promise<void> => {
    await kms.close()
    await pool.end()
  }
  return { kms, counts: () => ({ connections: pool.totalCount + pool.waitingCount, listeners: listeners() }), end }
}
