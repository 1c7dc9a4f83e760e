import { StorageConflict } from '@chatelaine/core/storage'
import type { Row, StorageTransaction, Value } from '@chatelaine/core/storage'
import { refusal } from './failures.ts'
import type { RowCodec } from './row-codec.ts'
import type { SqlStatement } from './session.ts'
import type { BoundStatement } from './table-statements.ts'
import { SqlView } from './view.ts'

/** The rows as parameters, one after the other in the same list. */
function* encodeEach(codec: RowCodec, rows: readonly Row[]): Generator<readonly Value[]> {
  const parameters: Value[] = []
  for (const row of rows) yield codec.encode(row, parameters)
}

/** Reads and writes, on a session whose transaction is exclusive. Beginning and ending it is for the adapter. */
export class SqlTransaction extends SqlView implements StorageTransaction {
  #depth = 0

  async insert(table: string, row: Row): Promise<void> {
    const { insert, codec } = this.statements.of(table)
    const { changes } = await this.session.run(insert, codec.encode(row))
    this.#expectChanges(table, changes, 1)
  }

  async replace(table: string, row: Row, expectedRev: number): Promise<void> {
    const statements = this.statements.of(table)
    await this.#changeOne(table, statements.replace(statements.codec.encode(row), expectedRev))
  }

  async remove(table: string, key: readonly Value[], expectedRev?: number): Promise<void> {
    await this.#changeOne(table, this.statements.of(table).remove(key, expectedRev))
  }

  async append(table: string, rows: readonly Row[]): Promise<void> {
    const { insert, codec } = this.statements.of(table)
    this.#expectChanges(table, await this.session.runEach(insert, encodeEach(codec, rows)), rows.length)
  }

  async savepoint<T>(step: () => Promise<T>): Promise<T> {
    const name = `step_${this.#depth}`
    await this.#control(`savepoint ${name}`)
    this.#depth++
    try {
      const result = await step()
      await this.#control(`release ${name}`)
      return result
    } catch (error) {
      await this.#undo(name)
      throw error
    } finally {
      this.#depth--
    }
  }

  /** Takes a savepoint's writes back. Where even that fails, the transaction is over, and later uses say so. */
  async #undo(name: string): Promise<void> {
    try {
      await this.#control(`rollback to ${name}`)
      await this.#control(`release ${name}`)
    } catch (error) {
      this.end(error)
    }
  }

  async #control(sql: string): Promise<void> {
    const statement: SqlStatement = { sql }
    await this.session.run(statement, [])
  }

  async #changeOne(table: string, { statement, parameters }: BoundStatement): Promise<void> {
    const { changes } = await this.session.run(statement, parameters)
    if (changes === 0) throw new StorageConflict(`A row of ${table} clashes: there is none with this key and rev.`)
    this.#expectChanges(table, changes, 1)
  }

  /** A database that writes more or less than it was told has a mind of its own. */
  #expectChanges(table: string, changes: number, expected: number): void {
    if (changes !== expected) throw refusal(`The database changed ${changes} rows of ${table} instead of ${expected}.`)
  }
}
