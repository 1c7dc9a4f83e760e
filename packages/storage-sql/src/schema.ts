import type { Index, TableDescriptor } from '@chatelaine/core/storage'
import { DummyDriver, Kysely } from 'kysely'
import type { CompiledQuery, CreateTableBuilder, Driver } from 'kysely'
import type { SqlDialect } from './dialect.ts'

/** What Kysely knows of our tables at compile time: nothing but that they have columns. */
export type AnyTables = Record<string, Record<string, unknown>>

/** Kysely for this dialect. Without a driver it compiles and runs nothing. */
export function kyselyFor({ kysely, schema }: SqlDialect, driver: Driver = new DummyDriver()): Kysely<AnyTables> {
  const db = new Kysely<AnyTables>({
    dialect: {
      createAdapter: () => kysely.createAdapter(),
      createDriver: () => driver,
      createIntrospector: (db) => kysely.createIntrospector(db),
      createQueryCompiler: () => kysely.createQueryCompiler(),
    },
  })
  return schema === undefined ? db : db.withSchema(schema)
}

/** One thing that a migration creates. */
export interface SchemaObject {
  /** Its name in the database. */
  readonly name: string
  /** The statement that creates it. */
  readonly definition: CompiledQuery
}

/** How a set of tables looks in a database: the names and definitions of everything that belongs to them. */
export class Schema {
  /** The tables as core describes them. */
  readonly tables: readonly TableDescriptor[]
  /** Where Kysely notes which migrations have run. */
  readonly migrationTable: string
  /** Where Kysely keeps the row that it locks where a database can lock rows. */
  readonly migrationLockTable: string
  /** The dialect. */
  readonly dialect: SqlDialect
  readonly #db: Kysely<AnyTables>

  constructor(tables: readonly TableDescriptor[], dialect: SqlDialect) {
    this.tables = tables
    this.dialect = dialect
    this.migrationTable = `${dialect.prefix}migrations`
    this.migrationLockTable = `${dialect.prefix}migrations_lock`
    this.#db = kyselyFor(dialect)
  }

  /** The name that a table has in the database. */
  nameOf(table: string): string {
    return `${this.dialect.prefix}${table}`
  }

  /** The migrations, one for each version in which tables appeared, in order. */
  get migrations(): readonly string[] {
    const versions = new Set(this.tables.map(({ since }) => since))
    return [...versions].toSorted((left, right) => left - right).map(migrationName)
  }

  /** What the migrations of these names create, in order. */
  objectsOf(migrations: readonly string[]): SchemaObject[] {
    return this.tables
      .filter(({ since }) => migrations.includes(migrationName(since)))
      .flatMap((table) => [this.#table(table), ...table.indexes.map((index) => this.#index(table, index))])
  }

  #table({ name, columns, primaryKey }: TableDescriptor): SchemaObject {
    const physical = this.nameOf(name)
    const { types, tableSuffix } = this.dialect
    const empty: CreateTableBuilder<string, string> = this.#db.schema.createTable(physical)
    const withColumns = Object.entries(columns).reduce(
      (table, [column, { type, nullable }]) =>
        table.addColumn(column, types[type], (definition) => (nullable === true ? definition : definition.notNull())),
      empty,
    )
    const definition = withColumns
      .addPrimaryKeyConstraint(`${physical}_pk`, primaryKey as [string, ...string[]])
      .modifyEnd(tableSuffix)
      .compile()
    return { name: physical, definition }
  }

  #index({ name: table, primaryKey }: TableDescriptor, { name, columns, unique }: Index): SchemaObject {
    const physical = `${this.nameOf(table)}_${name}`
    const rest = unique === true ? [] : primaryKey.filter((column) => !columns.includes(column))
    const index = this.#db.schema
      .createIndex(physical)
      .on(this.nameOf(table))
      .columns([...columns, ...rest])
    return { name: physical, definition: (unique === true ? index.unique() : index).compile() }
  }
}

/** The name under which Kysely notes a version of the schema. */
function migrationName(since: number): string {
  return String(since).padStart(4, '0')
}
