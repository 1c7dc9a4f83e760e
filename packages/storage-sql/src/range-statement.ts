import type { Range, TableDescriptor, Value } from '@chatelaine/core/storage'
import { sql } from 'kysely'
import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely'
import type { SqlDialect } from './dialect.ts'
import type { AnyTables } from './schema.ts'
import type { SqlStatement } from './session.ts'

/** What distinguishes the statement of one range from that of another: everything but the values. */
export interface RangeShape {
  /** The columns compared, in order. */
  readonly columns: readonly string[]
  /** For each column of the prefix, whether it is to be null. */
  readonly prefix: readonly boolean[]
  /** How many columns after those are bounded. */
  readonly after: number
  /** The direction. */
  readonly order: 'asc' | 'desc'
}

/** The shape of a range along these columns. */
export function shapeOf({ prefix, after = [], order = 'asc' }: Range, columns: readonly string[]): RangeShape {
  return { columns, prefix: prefix.map((value) => value === null), after: after.length, order }
}

/** The values of a range, as its statement takes them. */
export function rangeParameters({ prefix, after = [], limit }: Range): Value[] {
  return [...prefix.filter((value) => value !== null), ...after, limit]
}

type Builder = ExpressionBuilder<AnyTables, string>

/** Where a range is read from. */
export interface RangedTable {
  readonly name: string
  readonly descriptor: TableDescriptor
  readonly dialect: SqlDialect
}

const valueOf = ({ rangeValue }: SqlDialect): Expression<unknown> => {
  const placeholder = sql`${0}`
  return rangeValue === undefined ? placeholder : rangeValue(placeholder)
}

/**
 * `(a, b) > (?, ?)`. No comparison with null is ever true, which is right upwards, where null comes first; downwards
 * a column that can be null is preceded by whether it is, so that the rows with null still follow.
 */
function beyond(columns: readonly string[], shape: RangeShape, table: RangedTable): Expression<SqlBool> {
  const guarded = (column: string): boolean =>
    shape.order === 'desc' && table.descriptor.columns[column]?.nullable === true
  const left = columns.flatMap((column) =>
    guarded(column) ? [sql`(${sql.ref(column)} is not null)`, sql.ref(column)] : [sql.ref(column)],
  )
  const right = columns.flatMap((column) => [...(guarded(column) ? [sql`true`] : []), valueOf(table.dialect)])
  const operator = sql.raw(shape.order === 'desc' ? '<' : '>')
  return sql<SqlBool>`(${sql.join(left)}) ${operator} (${sql.join(right)})`
}

function conditions(eb: Builder, shape: RangeShape, table: RangedTable): Expression<SqlBool>[] {
  const prefix = shape.prefix.map((isNull, at) => {
    const column = shape.columns[at] as string
    return isNull ? eb(column, 'is', null) : eb(column, '=', valueOf(table.dialect))
  })
  if (shape.after === 0) return prefix
  const bounded = shape.columns.slice(prefix.length, prefix.length + shape.after)
  return [...prefix, beyond(bounded, shape, table)]
}

/** The statement that reads a range of this shape from the table of this name. */
export function rangeStatement(db: Kysely<AnyTables>, table: RangedTable, shape: RangeShape): SqlStatement {
  const selected = db
    .selectFrom(table.name)
    .select(Object.keys(table.descriptor.columns))
    .where((eb) => eb.and(conditions(eb, shape, table)))
  const ordered = shape.columns.slice(shape.prefix.length).reduce(
    (query, column) =>
      query.orderBy(column, (by) => {
        const directed = shape.order === 'desc' ? by.desc() : by.asc()
        if (table.descriptor.columns[column]?.nullable !== true) return directed
        return shape.order === 'desc' ? directed.nullsLast() : directed.nullsFirst()
      }),
    selected,
  )
  return { sql: ordered.limit(valueOf(table.dialect) as Expression<number>).compile().sql }
}
