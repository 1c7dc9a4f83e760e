import type { TableDescriptor } from '@chatelaine/core/storage'
import { kyselyFor, refusal } from '@chatelaine/storage-sql'
import type { AnyTables, Schema, SqlStatement } from '@chatelaine/storage-sql'
import { sql } from 'kysely'
import type { ExpressionBuilder, Kysely } from 'kysely'

/** The statements that write to one table. Each returns the rows that it wrote. */
export interface TableWrites {
  /** Inserts a row, or nothing where it clashes: a row's values by column. */
  readonly insert: SqlStatement
  /** Inserts rows: for each column the list of its values. */
  readonly append: SqlStatement
  /** Replaces a row, for tables with a column `rev`. */
  readonly replace: SqlStatement | undefined
}

const textOf = (query: { compile(): { readonly sql: string } }): SqlStatement => ({ sql: query.compile().sql })

const placeholders = (columns: readonly string[]): Record<string, number> =>
  Object.fromEntries(columns.map((column) => [column, 0]))

function replaceOf(db: Kysely<AnyTables>, name: string, descriptor: TableDescriptor): SqlStatement | undefined {
  const { columns, primaryKey } = descriptor
  if (columns['rev'] === undefined) return undefined
  const names = Object.keys(columns)
  const expected = (eb: ExpressionBuilder<AnyTables, string>) =>
    eb.and([...primaryKey, 'rev'].map((column) => eb(column, '=', 0)))
  const set = placeholders(names.filter((column) => !primaryKey.includes(column)))
  return textOf(db.updateTable(name).set(set).where(expected).returning(names))
}

function writesOf(descriptor: TableDescriptor, schema: Schema): TableWrites {
  const db = kyselyFor(schema.dialect)
  const name = schema.nameOf(descriptor.name)
  const columns = Object.keys(descriptor.columns)
  const { types } = schema.dialect
  // The types of lists, without the collations of columns.
  const lists = Object.values(descriptor.columns).map(({ type }) =>
    type === 'text' ? sql`${0}::text[]` : sql`${0}::${types[type]}[]`,
  )
  return {
    insert: textOf(
      db
        .insertInto(name)
        .values(placeholders(columns))
        .onConflict((clash) => clash.doNothing())
        .returning(columns),
    ),
    append: textOf(
      db
        .insertInto(name)
        .columns(columns)
        .expression(sql`select * from unnest(${sql.join(lists)})`)
        .returning(columns),
    ),
    replace: replaceOf(db, name, descriptor),
  }
}

/** The statements that write, for all tables of a schema. */
export class WriteStatements {
  readonly #tables: ReadonlyMap<string, TableWrites>

  constructor(schema: Schema) {
    this.#tables = new Map(schema.tables.map((table) => [table.name, writesOf(table, schema)]))
  }

  /** The statements for the table of this name. @throws `StorageFailure` where there is none. */
  of(table: string): TableWrites {
    const writes = this.#tables.get(table)
    if (writes === undefined) throw refusal(`There is no table ${table}.`)
    return writes
  }

  /** The statement that replaces a row. @throws `StorageFailure` where rows have no `rev`. */
  replaceOf(table: string): SqlStatement {
    const { replace } = this.of(table)
    if (replace === undefined) throw refusal(`${table} has no column rev.`)
    return replace
  }
}
