import { storageFailureOf } from '@chatelaine/core/storage'
import type { DatabaseConnection, Driver, Kysely } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Migration } from 'kysely/migration'
import { refusal } from './failures.ts'
import { kyselyFor } from './schema.ts'
import type { AnyTables, Schema } from './schema.ts'
import type { SqlSession } from './session.ts'

/** Lets Kysely use one session and nothing else. Transactions are the business of whoever opened it. */
function driverOn(session: SqlSession): Driver {
  const connection: DatabaseConnection = {
    async executeQuery<Result>(query: { readonly sql: string; readonly parameters: readonly unknown[] }) {
      const { rows, changes } = await session.run(query, query.parameters)
      return { rows: rows as Result[], numAffectedRows: BigInt(changes) }
    },
    streamQuery() {
      throw refusal('Migrations read no streams.')
    },
  }
  const nothing = async (): Promise<void> => {}
  return {
    init: nothing,
    acquireConnection: async () => connection,
    beginTransaction: nothing,
    commitTransaction: nothing,
    rollbackTransaction: nothing,
    releaseConnection: nothing,
    destroy: nothing,
  }
}

/**
 * The migrations that this database has had, in order.
 *
 * @throws `StorageFailure` when one of them is unknown here: a newer version of the adapter has been at work.
 */
export async function appliedMigrations(session: SqlSession, schema: Schema): Promise<string[]> {
  const db = kyselyFor(schema.dialect, driverOn(session))
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  const place = schema.dialect.schema
  const isOurs = (table: { readonly name: string; readonly schema?: string }): boolean =>
    table.name === schema.migrationTable && (place === undefined || table.schema === place)
  if (!tables.some(isOurs)) return []
  const rows = await db.selectFrom(schema.migrationTable).select('name').orderBy('name').execute()
  const names = rows.map((row) => String(row['name']))
  const unknown = names.find((name) => !schema.migrations.includes(name))
  if (unknown === undefined) return names
  throw refusal(
    `The schema is newer than this version of the adapter, which knows no migration ${JSON.stringify(unknown)}: update it.`,
  )
}

function migrationsOf(schema: Schema): Record<string, Migration> {
  const up = (name: string) => async (db: Kysely<unknown>) => {
    for (const { definition } of schema.objectsOf([name])) await db.executeQuery(definition)
  }
  return Object.fromEntries(schema.migrations.map((name) => [name, { up: up(name) }]))
}

/** The session, and the first thing that went wrong on it: all that fails after that may only be its consequence. */
function firstFailureOn(session: SqlSession): { readonly session: SqlSession; readonly first: () => unknown } {
  let first: unknown
  const heed = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      first ??= error
      throw error
    }
  }
  return {
    session: {
      run: (statement, parameters) => heed(session.run(statement, parameters)),
      runEach: (statement, lists) => heed(session.runEach(statement, lists)),
    },
    first: () => first,
  }
}

/**
 * Runs the migrations that are missing. Everything happens in the session's transaction, so that whoever opened it
 * exclusively and commits it has run them all, once; a crash before leaves nothing of them.
 *
 * @throws `StorageFailure` when the schema is newer than this version knows, or cannot be created.
 */
export async function migrate(session: SqlSession, schema: Schema): Promise<void> {
  await appliedMigrations(session, schema)
  const heeded = firstFailureOn(session)
  const migrator = new Migrator({
    db: kyselyFor(schema.dialect, driverOn(heeded.session)) satisfies Kysely<AnyTables>,
    provider: { getMigrations: async () => migrationsOf(schema) },
    migrationTableName: schema.migrationTable,
    migrationLockTableName: schema.migrationLockTable,
    ...(schema.dialect.schema === undefined ? {} : { migrationTableSchema: schema.dialect.schema }),
    disableTransactions: true,
  })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  const reason = heeded.first() ?? error
  throw storageFailureOf(reason) ?? refusal('The tables could not be migrated.', reason)
}
