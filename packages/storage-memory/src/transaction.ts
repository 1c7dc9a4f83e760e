import type { Range, Row, StorageReader, StorageTransaction, Value } from '@chatelaine/core/storage'
import { refusal } from './layout.ts'
import type { Table } from './table.ts'

/** All tables, by name. */
export type Tables = ReadonlyMap<string, Table>

/** One committed state. */
export class Snapshot implements StorageReader {
  #tables: Tables | undefined

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** The state as it is now, own writes included. */
  get tables(): Tables {
    if (this.#tables === undefined) throw refusal('This snapshot or transaction is over.')
    return this.#tables
  }

  protected set tables(tables: Tables) {
    this.#tables = tables
  }

  /** Makes every later use fail. */
  end(): void {
    this.#tables = undefined
  }

  async get(table: string, key: readonly Value[]): Promise<Row | undefined> {
    const { layout, row } = this.#lookUp(table, key)
    return row === undefined ? undefined : layout.copy(row)
  }

  async range(table: string, range: Range): Promise<Row[]> {
    // Own properties only: what somebody puts on Object.prototype is no part of a range.
    const { layout, rows } = this.#walk(table, { __proto__: null, ...range } as Range)
    return rows.map((row) => layout.copy(row))
  }

  /** The table of this name. @throws `StorageFailure` where there is none. */
  protected table(name: string): Table {
    const table = this.tables.get(name)
    if (table === undefined) throw refusal(`There is no table ${name}.`)
    return table
  }

  #lookUp(name: string, key: readonly Value[]): { layout: Table['layout']; row: Row | undefined } {
    const table = this.table(name)
    return { layout: table.layout, row: table.get(key) }
  }

  #walk(name: string, range: Range): { layout: Table['layout']; rows: Row[] } {
    const table = this.table(name)
    return { layout: table.layout, rows: table.range(range) }
  }
}

/** A state in the making: tables are cloned before they are first written, so that nobody else sees a change. */
export class Transaction extends Snapshot implements StorageTransaction {
  #own = new Set<Table>()

  async insert(table: string, row: Row): Promise<void> {
    const own = this.#writable(table)
    own.insert(own.layout.take(row))
  }

  async replace(table: string, row: Row, expectedRev: number): Promise<void> {
    const own = this.#writable(table)
    own.replace(own.layout.take(row), expectedRev)
  }

  async remove(table: string, key: readonly Value[], expectedRev?: number): Promise<void> {
    this.#writable(table).remove(key, expectedRev)
  }

  async append(table: string, rows: readonly Row[]): Promise<void> {
    const own = this.#writable(table)
    for (const row of rows) own.insert(own.layout.take(row))
  }

  async savepoint<T>(step: () => Promise<T>): Promise<T> {
    const before = this.tables
    this.#own = new Set()
    try {
      return await step()
    } catch (error) {
      this.tables = before
      throw error
    }
  }

  #writable(name: string): Table {
    const table = this.table(name)
    if (this.#own.has(table)) return table
    const own = table.clone()
    this.#own.add(own)
    this.tables = new Map(this.tables).set(name, own)
    return own
  }
}
