import type { SqlDialect } from '@chatelaine/storage-sql'
import { PostgresAdapter, PostgresQueryCompiler, sql } from 'kysely'
import type { DatabaseIntrospector, Kysely, TableMetadata } from 'kysely'

/** Kysely's own lock is of the session, and would outlive a migration that fails. Ours ends with the transaction. */
class Adapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

interface Relation {
  readonly name: string
  readonly kind: string
}

/** Knows the names in one schema. Kysely's own looks at every column of every schema, and trips over what others drop. */
class Introspector implements DatabaseIntrospector {
  readonly #db: Kysely<unknown>
  readonly #schema: string

  constructor(db: Kysely<unknown>, schema: string) {
    this.#db = db
    this.#schema = schema
  }

  async getSchemas(): Promise<{ readonly name: string }[]> {
    const query = sql<{ name: string }>`select nspname::text as name from pg_catalog.pg_namespace`
    return (await query.execute(this.#db)).rows
  }

  async getTables(): Promise<TableMetadata[]> {
    const query = sql<Relation>`
      select c.relname::text as name, c.relkind::text as kind
      from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
      where n.nspname::text = ${this.#schema} and c.relkind in ('r', 'v', 'p', 'f', 'm')`
    const { rows } = await query.execute(this.#db)
    return rows.map(({ name, kind }) => ({
      name,
      schema: this.#schema,
      isView: kind === 'v',
      isForeign: kind === 'f',
      columns: [],
    }))
  }
}

/**
 * Text is compared by its bytes, which is the order of the contract and does not change with the libraries of the
 * server's machine. Nothing is ever `jsonb`, which rewrites what it is given.
 */
export function postgresDialect(schema: string, prefix: string): SqlDialect {
  return {
    kysely: {
      createAdapter: () => new Adapter(),
      createIntrospector: (db) => new Introspector(db, schema),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    schema,
    prefix,
    types: { text: sql`text collate "C"`, integer: sql`bigint`, bytes: sql`bytea` },
    tableSuffix: sql``,
  }
}
