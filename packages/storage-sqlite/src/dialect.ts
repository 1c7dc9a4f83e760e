import type { SqlDialect } from '@chatelaine/storage-sql'
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from 'kysely'

/**
 * Strict tables, so that SQLite itself keeps each column to its type. Text has the collation BINARY, which compares
 * UTF-8 bytes. Rows have a hidden rowid: they are too long to be kept in the primary key's own tree.
 */
export const sqliteDialect: SqlDialect = {
  kysely: {
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
  prefix: 'chatelaine_',
  types: { text: sql`text`, integer: sql`integer`, bytes: sql`blob` },
  tableSuffix: sql`strict`,
  // To a bare placeholder beside ORDER BY or LIMIT SQLite fits its plan: it would prepare the statement anew for each run.
  rangeValue: (placeholder) => sql`+${placeholder}`,
}
