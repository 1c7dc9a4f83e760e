import type { StorageAdapter } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import Database from 'better-sqlite3'
import { copyFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'

/** Where a world is that things are planted in: each time in a copy of it. */
export interface Soil {
  /** A storage for the world, and how a fresh copy of it is taken once that storage is closed. */
  readonly storage: StorageAdapter
  /** What is made once the storage is closed, before the first copy. */
  prepare(): Promise<void>
  copy(): Promise<Bed>
}

/** A copy of a database. */
export interface Bed {
  /** A storage on it, not opened yet. */
  storage(): StorageAdapter
  /** Does something to its schema. `S.` stands for where our tables are. */
  run(statements: readonly string[]): Promise<void>
  remove(): Promise<void>
}

/** A file, which is copied. */
export function sqliteSoil(folder: string, name: string): Soil {
  const file = path.join(folder, `${name}.db`)
  const copied = path.join(folder, `${name}-copy.db`)
  const remove = async (): Promise<void> => {
    for (const suffix of ['', '-wal', '-shm', '.mark']) rmSync(`${copied}${suffix}`, { force: true })
  }
  const run = async (statements: readonly string[]): Promise<void> => {
    const db = new Database(copied)
    try {
      for (const statement of statements) db.exec(statement.replaceAll('S.', ''))
    } finally {
      db.close()
    }
  }
  const copy = async (): Promise<Bed> => {
    await remove()
    copyFileSync(file, copied)
    return { storage: () => sqliteStorage(copied), run, remove }
  }
  return { storage: sqliteStorage(file), prepare: async () => undefined, copy }
}

/** A database, which is the template of others. The KMS is a role that owns nothing, as it should be. */
export async function postgresSoil(url: string, name: string): Promise<Soil> {
  const urlOf = (database: string, user = 'postgres'): string =>
    url.replace('//postgres@/postgres', `//${user}@/${database}`)
  const run = async (database: string, statements: readonly string[]): Promise<void> => {
    const client = new pg.Client(urlOf(database))
    await client.connect()
    try {
      for (const statement of statements) await client.query(statement.replaceAll('S.', 'kms.'))
    } finally {
      await client.end()
    }
  }
  const copied = `${name}_copy`
  const grants = ['usage on schema kms', 'select, insert, update, delete on all tables in schema kms']
  const remove = async (): Promise<void> => run('postgres', [`drop database if exists ${copied} with (force)`])
  const makeRole = `do $$ begin create role app login; exception when duplicate_object or unique_violation then null; end $$`
  await run('postgres', [makeRole, `create database ${name}`])
  return {
    storage: postgresStorage({ connectionString: urlOf(name), schema: 'kms' }),
    prepare: async () =>
      run(
        name,
        grants.map((grant) => `grant ${grant} to app`),
      ),
    copy: async () => {
      await remove()
      await run('postgres', [`create database ${copied} template ${name}`])
      const storage = (): StorageAdapter =>
        postgresStorage({ connectionString: urlOf(copied, 'app'), schema: 'kms', migrate: false })
      return { storage, run: async (statements) => run(copied, statements), remove }
    },
  }
}
