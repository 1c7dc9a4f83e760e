import { refusal } from './failures.ts'
import type { Schema } from './schema.ts'
import { TableStatements } from './table-statements.ts'

/** The statements for all tables of a schema. Make it once: transactions and snapshots share it. */
export class Statements {
  readonly #tables: ReadonlyMap<string, TableStatements>

  constructor(schema: Schema) {
    this.#tables = new Map(schema.tables.map((table) => [table.name, new TableStatements(table, schema)]))
  }

  /** The statements for the table of this name. @throws `StorageFailure` where there is none. */
  of(table: string): TableStatements {
    const statements = this.#tables.get(table)
    if (statements === undefined) throw refusal(`There is no table ${table}.`)
    return statements
  }
}
