import type { TableDescriptor } from '@chatelaine/core/storage'
import { kyselyFor, refusal } from '@chatelaine/storage-sql'
import type { AnyTables, Schema, SqlStatement } from '@chatelaine/storage-sql'
import { sql } from 'kysely'
import type { AliasedRawBuilder, ExpressionBuilder, Kysely, RawBuilder } from 'kysely'

/** The statements that write to one table. */
export interface TableWrites {
  /** Inserts a row, or nothing where it clashes: a row's values by column. Fails where others were written. */
  readonly insert: SqlStatement
  /** Inserts rows, for each column the array of its values. Fails where they clash, or others were written. */
  readonly append: SqlStatement
  /** Replaces a row, for tables with a column `rev`. Fails where another was written. */
  readonly replace: SqlStatement | undefined
}

const textOf = (query: { compile(): { readonly sql: string } }): SqlStatement => ({ sql: query.compile().sql })

const placeholders = (columns: readonly string[]): Record<string, number> =>
  Object.fromEntries(columns.map((column) => [column, 0]))

/** A column as it is compared: text byte by byte, whatever became of its collation. */
function comparable({ columns }: TableDescriptor, column: string): RawBuilder<unknown> {
  const name = sql.ref(column)
  return columns[column]?.type === 'text' ? sql`${name} collate "C"` : name
}

/**
 * Fails where this does not hold, or is null: the commit may have been sent along, and must not be done then. What divides
 * by zero cannot be found out before there are rows.
 */
const orElseFails = (holds: RawBuilder<unknown>): AliasedRawBuilder<unknown, 'same'> =>
  sql`(1 / (case when ${holds} then 1 else 0 end))::text`.as('same')

/** Fails unless the row that was written holds the parameters: `order` is the columns in theirs. */
function sameAs(descriptor: TableDescriptor, order: readonly string[]): AliasedRawBuilder<unknown, 'same'> {
  const same = order.map(
    (column, at) => sql`${comparable(descriptor, column)} is not distinct from ${sql.raw(`$${at + 1}`)}`,
  )
  return orElseFails(sql.join(same, sql` and `))
}

function replaceOf(db: Kysely<AnyTables>, name: string, descriptor: TableDescriptor): SqlStatement | undefined {
  const { columns, primaryKey } = descriptor
  if (columns['rev'] === undefined) return undefined
  const replaced = Object.keys(columns).filter((column) => !primaryKey.includes(column))
  const expected = (eb: ExpressionBuilder<AnyTables, string>) =>
    eb.and([...primaryKey, 'rev'].map((column) => eb(column, '=', 0)))
  const same = sameAs(descriptor, [...replaced, ...primaryKey])
  return textOf(db.updateTable(name).set(placeholders(replaced)).where(expected).returning(same))
}

/**
 * What was returned is compared by the server, which has both at hand: sending all of it back would cost more than
 * writing it. Nulls are equal in arrays; where nothing was written there is no array at all. The arrays are unfolded
 * side by side as they are selected: selecting from them would store each of them once more.
 */
function appendOf(db: Kysely<AnyTables>, name: string, descriptor: TableDescriptor): SqlStatement {
  const columns = Object.keys(descriptor.columns)
  const given = Object.values(descriptor.columns).map(({ type }, at) => sql.raw(`$${at + 1}::${arrays[type]}`))
  const rows = given.map((values) => sql`unnest(${values})`)
  const same = columns.map((column, at) => sql`array_agg(${comparable(descriptor, column)}) = ${given[at]}`)
  return textOf(
    db
      .with('written', (to) =>
        to
          .insertInto(name)
          .columns(columns)
          .expression(sql`select ${sql.join(rows)}`)
          .returning(columns),
      )
      .selectFrom('written')
      .select(orElseFails(sql.join(same, sql` and `))),
  )
}

const arrays = { text: 'text[]', integer: 'bigint[]', bytes: 'bytea[]' } as const

function writesOf(descriptor: TableDescriptor, schema: Schema): TableWrites {
  const db = kyselyFor(schema.dialect)
  const name = schema.nameOf(descriptor.name)
  const columns = Object.keys(descriptor.columns)
  return {
    insert: textOf(
      db
        .insertInto(name)
        .values(placeholders(columns))
        .onConflict((clash) => clash.doNothing())
        .returning(sameAs(descriptor, columns)),
    ),
    append: appendOf(db, name, descriptor),
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
