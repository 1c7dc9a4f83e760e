import type { Range, TableDescriptor, Value } from '@chatelaine/core/storage'
import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely'
import { BoundedMap } from './bounded-map.ts'
import { refusal } from './failures.ts'
import { Orders } from './orders.ts'
import { rangeParameters, rangeStatement, shapeOf } from './range-statement.ts'
import { RowCodec } from './row-codec.ts'
import { kyselyFor } from './schema.ts'
import type { AnyTables, Schema } from './schema.ts'
import type { SqlStatement } from './session.ts'

/** A statement with the values for its placeholders. */
export interface BoundStatement {
  /** The statement. */
  readonly statement: SqlStatement
  /** Its values. */
  readonly parameters: readonly Value[]
}

/** More shapes of ranges than all of core has. */
const maxShapes = 256

/** The statements for one table. Each is compiled once, when the table or a range of its shape is first met. */
export class TableStatements {
  /** The table as core describes it. */
  readonly descriptor: TableDescriptor
  /** Its rows, turned into parameters and back. */
  readonly codec: RowCodec
  /** The orders in which it can be read. */
  readonly orders: Orders
  /** `insert into t (…) values (…)`: a row's values by column. */
  readonly insert: SqlStatement
  readonly #schema: Schema
  readonly #db: Kysely<AnyTables>
  readonly #name: string
  readonly #ranges = new BoundedMap<string, SqlStatement>(maxShapes)
  readonly #get: SqlStatement
  readonly #remove: SqlStatement
  /** Where the values of a replacement stand in a row: first those that become others, then the primary key. */
  readonly #replaced: readonly number[]
  readonly #atRev: { readonly replace: SqlStatement; readonly remove: SqlStatement } | undefined

  constructor(descriptor: TableDescriptor, schema: Schema) {
    this.descriptor = descriptor
    this.codec = new RowCodec(descriptor)
    this.orders = new Orders(descriptor, this.codec)
    this.#schema = schema
    this.#db = kyselyFor(schema.dialect)
    this.#name = schema.nameOf(descriptor.name)
    this.insert = textOf(this.#db.insertInto(this.#name).values(placeholders(this.codec.names)))
    this.#get = textOf(this.#db.selectFrom(this.#name).select(this.codec.names).where(allEqual(descriptor.primaryKey)))
    this.#remove = textOf(this.#db.deleteFrom(this.#name).where(allEqual(descriptor.primaryKey)))
    const places = [...this.codec.names.keys()]
    const isKey = (at: number): boolean => descriptor.primaryKey.includes(this.codec.names[at] as string)
    const key = descriptor.primaryKey.map((column) => this.codec.names.indexOf(column))
    this.#replaced = [...places.filter((at) => !isKey(at)), ...key]
    this.#atRev = descriptor.columns['rev'] === undefined ? undefined : this.#compileAtRev()
  }

  /** Reads the row with this primary key. */
  get(key: readonly Value[]): BoundStatement {
    this.orders.checkKey(key)
    return { statement: this.#get, parameters: key }
  }

  /** Reads a range. */
  range(range: Range): BoundStatement {
    const columns = this.orders.columnsOf(range)
    const shape = shapeOf(range, columns)
    const key = `${range.index ?? ''}/${shape.prefix.map(Number).join('')}/${shape.after}/${shape.order}`
    const table = { name: this.#name, descriptor: this.descriptor, dialect: this.#schema.dialect }
    const statement = this.#ranges.obtain(key, () => rangeStatement(this.#db, table, shape))
    return { statement, parameters: rangeParameters(range) }
  }

  /** Replaces the row with the primary key of `values`, a row's values by column, if it has this `rev`. */
  replace(values: readonly Value[], expectedRev: number): BoundStatement {
    const { replace } = this.#expectRev(expectedRev)
    const parameters = this.#replaced.map((at) => values[at] as Value)
    parameters.push(expectedRev)
    return { statement: replace, parameters }
  }

  /** Removes the row with this primary key, if it has this `rev`. */
  remove(key: readonly Value[], expectedRev: number | undefined): BoundStatement {
    this.orders.checkKey(key)
    if (expectedRev === undefined) return { statement: this.#remove, parameters: key }
    return { statement: this.#expectRev(expectedRev).remove, parameters: [...key, expectedRev] }
  }

  #compileAtRev(): { readonly replace: SqlStatement; readonly remove: SqlStatement } {
    const { primaryKey } = this.descriptor
    const expected = allEqual([...primaryKey, 'rev'])
    const set = placeholders(this.codec.names.filter((name) => !primaryKey.includes(name)))
    return {
      replace: textOf(this.#db.updateTable(this.#name).set(set).where(expected)),
      remove: textOf(this.#db.deleteFrom(this.#name).where(expected)),
    }
  }

  #expectRev(rev: number): { readonly replace: SqlStatement; readonly remove: SqlStatement } {
    if (this.#atRev === undefined) throw refusal(`${this.descriptor.name} has no column rev.`)
    this.codec.check('rev', rev)
    return this.#atRev
  }
}

const textOf = (query: { compile(): { readonly sql: string } }): SqlStatement => ({ sql: query.compile().sql })

/** Some value for each column: what is compiled has placeholders in their stead. */
const placeholders = (columns: readonly string[]): Record<string, number> =>
  Object.fromEntries(columns.map((column) => [column, 0]))

const allEqual =
  (columns: readonly string[]) =>
  (eb: ExpressionBuilder<AnyTables, string>): Expression<SqlBool> =>
    eb.and(columns.map((column) => eb(column, '=', 0)))
