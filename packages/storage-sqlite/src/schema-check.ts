import { refusal } from '@chatelaine/storage-sql'
import type { Schema } from '@chatelaine/storage-sql'
import type { Connection } from './connection.ts'

/** A row of SQLite's own table of tables, indexes, views and triggers. */
interface Found {
  readonly type: string
  readonly name: string
  readonly table: string
  readonly sql: string
}

const everything = { sql: 'select "type", "name", "tbl_name" as "table", "sql" from "sqlite_schema"' }

/** SQLite keeps definitions as they were given, except that it writes the first words its own way. */
const given = (sql: string): string =>
  sql.replace(/^create (?:unique )?(?:table|index) /i, (words) => words.toLowerCase())

function find(connection: Connection, names: ReadonlySet<string>): Found[] {
  const { rows } = connection.runNow(everything)
  return rows
    .map(({ type, name, table, sql }) => ({
      type: String(type),
      name: String(name),
      table: String(table).toLowerCase(),
      sql: typeof sql === 'string' ? given(sql) : '',
    }))
    .filter(({ name, table }) => names.has(table) || names.has(name.toLowerCase()))
}

function judge({ type, name, table, sql }: Found, expected: ReadonlyMap<string, string>): void {
  const definition = expected.get(name)
  if (definition === sql) return
  if (definition !== undefined) {
    throw refusal(`The ${type} ${name} is defined otherwise than this version of the adapter defined it.`)
  }
  // SQLite's own indexes have no definition; further ones of an administrator do no harm unless they forbid rows.
  const isHarmless = type === 'index' && !sql.startsWith('create unique ')
  if (!isHarmless) throw refusal(`The ${type} ${name} on ${table} does not belong to the schema. Remove it.`)
}

/**
 * Makes sure that what the database has under our names is exactly what these migrations created: no triggers, views,
 * generated or changed columns, other collations or constraints. A database may come from an enemy.
 *
 * @throws `StorageFailure` that names the first object which is another, missing, or not ours.
 */
export function checkSchema(connection: Connection, schema: Schema, migrations: readonly string[]): void {
  const tables = schema.tables.map(({ name }) => schema.nameOf(name).toLowerCase())
  const expected = new Map(schema.objectsOf(migrations).map(({ name, definition }) => [name, definition.sql]))
  const bookkeeping = [schema.migrationTable, schema.migrationLockTable]
  const found = find(connection, new Set([...tables, ...bookkeeping]))
  for (const object of found) {
    if (object.type !== 'table' || !bookkeeping.includes(object.name)) judge(object, expected)
  }
  const names = new Set(found.map(({ name }) => name))
  const missing = [...expected.keys()].find((name) => !names.has(name))
  if (missing === undefined) return
  throw refusal(`${missing} is missing: migrate the database or, where that was done, restore it from a backup.`)
}

/** Keeps watch over a schema that was found good: SQLite counts its changes, whoever makes them. */
export class SchemaGuard {
  readonly #schema: Schema
  #version: number | undefined
  /** The migrations that a database of an older version had when it was opened; none once it has had them all. */
  #older: readonly string[]

  /** @param applied - the migrations that the database has had. */
  constructor(schema: Schema, applied: readonly string[]) {
    this.#schema = schema
    this.#older = applied.length < schema.migrations.length ? applied : []
  }

  /**
   * Checks the schema that this connection's transaction sees, unless it is the one that was checked before.
   *
   * @throws `StorageFailure` when it is not as all migrations leave it, or none have run.
   */
  check(connection: Connection): void {
    const version = connection.pragma('schema_version')
    if (version === this.#version) return
    checkSchema(connection, this.#schema, this.#schema.migrations)
    this.#version = version
    this.#older = []
  }

  /**
   * The same for who only reads: a database that an older version left is read as it is until it is migrated, since a
   * root key is proved on it before anything is written.
   *
   * @throws `StorageFailure` when the schema is neither as all migrations leave it, nor as it was left.
   */
  checkForReading(connection: Connection): void {
    try {
      this.check(connection)
    } catch (error) {
      if (this.#older.length === 0) throw error
      checkSchema(connection, this.#schema, this.#older)
    }
  }
}
