import type { Column, Row, TableDescriptor, Value } from '@chatelaine/core/storage'
import { isUint8Array } from 'node:util/types'
import { refusal } from './failures.ts'

const maxBytes = 2 ** 29

function fits(value: unknown, { type, nullable }: Column): value is Value {
  if (value === null) return nullable === true
  switch (type) {
    case 'text':
      return typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
    case 'integer':
      return Number.isSafeInteger(value)
    case 'bytes':
      return isUint8Array(value) && value.byteLength <= maxBytes
  }
}

/** Turns the rows of one table into parameters and back, and lets nothing through that its descriptor does not allow. */
export class RowCodec {
  /** The table's columns, in order. */
  readonly names: readonly string[]
  readonly #table: string
  readonly #columns: readonly Column[]

  constructor({ name, columns }: TableDescriptor) {
    this.#table = name
    this.names = Object.keys(columns)
    this.#columns = Object.values(columns)
  }

  /**
   * Writes a row's values into `parameters`, by column.
   *
   * @throws `StorageFailure` when the row is not exactly the table's columns with values of their types.
   */
  encode(row: Row, parameters: Value[] = []): Value[] {
    let at = 0
    // Rows mostly have their columns in the descriptor's order; the engine then finds each value without searching.
    for (const name in row) {
      if (name !== this.names[at]) return this.#encodeUnordered(row, parameters)
      const value = row[name]
      if (!fits(value, this.#columns[at] as Column)) throw this.#misfit(at)
      parameters[at++] = value
    }
    if (at !== this.names.length) throw this.#mismatch()
    return parameters
  }

  /**
   * Takes a row as the driver read it.
   *
   * @throws `StorageFailure` when the database returned what no such column can hold.
   */
  decode(read: Readonly<Record<string, unknown>>): Row {
    for (const [at, name] of this.names.entries()) {
      if (!fits(read[name], this.#columns[at] as Column)) {
        throw refusal(`The database returned for ${this.#table}.${name} what was never stored there.`)
      }
    }
    return read as Row
  }

  /** @throws `StorageFailure` when a value is none that the column could hold. */
  check(name: string, value: Value | undefined): void {
    const at = this.names.indexOf(name)
    if (!fits(value, this.#columns[at] as Column)) throw this.#misfit(at)
  }

  #encodeUnordered(row: Row, parameters: Value[]): Value[] {
    if (Object.keys(row).length !== this.names.length) throw this.#mismatch()
    for (const [at, name] of this.names.entries()) {
      const value = row[name]
      if (!fits(value, this.#columns[at] as Column)) throw this.#misfit(at)
      parameters[at] = value
    }
    return parameters
  }

  #mismatch(): Error {
    return refusal(`A row of ${this.#table} has other columns.`)
  }

  #misfit(at: number): Error {
    return refusal(`${this.#table}.${this.names[at]} cannot hold this value.`)
  }
}
