import { StorageFailure } from '@chatelaine/core/storage'
import type { Column, Row, TableDescriptor, Value } from '@chatelaine/core/storage'
import { isUint8Array } from 'node:util/types'

/** One order of a table: that of its primary key or of an index, completed by the primary key. */
export interface Order {
  /** The index's name, or `undefined` for the primary key. */
  readonly index: string | undefined
  /** The columns compared, in order. */
  readonly columns: readonly string[]
  /** The first of them, where two rows may not agree on all of these. */
  readonly unique: readonly string[] | undefined
}

const maxBytes = 2 ** 29

/** A request that no later state of the data could make possible: a mistake of the caller. */
export function refusal(message: string): StorageFailure {
  return new StorageFailure(message, { transient: false, outcome: 'none' })
}

function ordersOf({ primaryKey, indexes }: TableDescriptor): [Order, ...Order[]] {
  const secondary = indexes.map((index): Order => ({
    index: index.name,
    columns: [...index.columns, ...primaryKey.filter((column) => !index.columns.includes(column))],
    unique: index.unique === true ? index.columns : undefined,
  }))
  return [{ index: undefined, columns: primaryKey, unique: primaryKey }, ...secondary]
}

function fits(value: Value | undefined, column: Column): boolean {
  if (value === null) return column.nullable === true
  switch (column.type) {
    case 'text':
      return typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
    case 'integer':
      return Number.isSafeInteger(value)
    case 'bytes':
      return isUint8Array(value) && value.byteLength <= maxBytes
  }
}

/** What a descriptor says, laid out for use: orders, and copies of rows that are checked against it. */
export class Layout {
  /** The table's name. */
  readonly table: string
  /** The primary key's order, then those of the indexes. */
  readonly orders: readonly [Order, ...Order[]]
  /** Whether rows carry a `rev`. */
  readonly hasRev: boolean
  readonly #columns: readonly (readonly [name: string, column: Column])[]
  readonly #bytes: readonly string[]

  constructor(descriptor: TableDescriptor) {
    this.table = descriptor.name
    this.orders = ordersOf(descriptor)
    this.hasRev = descriptor.columns['rev'] !== undefined
    this.#columns = Object.entries(descriptor.columns)
    this.#bytes = this.#columns.filter(([, column]) => column.type === 'bytes').map(([name]) => name)
  }

  /**
   * A copy of a row that shares no memory with it.
   *
   * @throws `StorageFailure` when the row is not exactly the table's columns with values of their types.
   */
  take(row: Row): Row {
    const copy = this.copy(row)
    if (Object.keys(copy).length !== this.#columns.length) throw refusal(`A row of ${this.table} has other columns.`)
    for (const [name, column] of this.#columns) this.#check(copy[name], name, column)
    return copy
  }

  /** A copy of a row that was taken before. */
  copy(row: Row): Row {
    const copy: Record<string, Value> = { ...row }
    for (const name of this.#bytes) {
      const bytes = copy[name]
      if (isUint8Array(bytes)) copy[name] = new Uint8Array(bytes)
    }
    return copy
  }

  /** @throws `StorageFailure` when a value is none that these columns could hold. */
  checkParts(columns: readonly string[], values: readonly Value[]): void {
    if (values.length > columns.length) throw refusal(`More values than ${this.table} has columns in that order.`)
    for (const [name, column] of this.#columns) {
      const at = columns.indexOf(name)
      if (at !== -1 && at < values.length) this.#check(values[at], name, column)
    }
  }

  #check(value: Value | undefined, name: string, column: Column): void {
    if (!fits(value, column)) throw refusal(`${this.table}.${name} cannot hold this value.`)
  }
}
