import { storageFailureOf } from '@chatelaine/core/storage'
import type { Range, Row, StorageFailure, StorageReader, Value } from '@chatelaine/core/storage'
import { refusal } from './failures.ts'
import type { SqlSession } from './session.ts'
import type { Statements } from './statements.ts'

/** Reads, on a session whose transaction sees one state. */
export class SqlView implements StorageReader {
  /** The statements for all tables. */
  protected readonly statements: Statements
  #session: SqlSession | undefined
  #reason: unknown

  constructor(session: SqlSession, statements: Statements) {
    this.#session = session
    this.statements = statements
  }

  /** Makes every later use fail: the session may be somebody else's by then. */
  end(reason?: unknown): void {
    if (this.#session === undefined) return
    this.#session = undefined
    this.#reason = reason
  }

  /** @throws `StorageFailure` when it is over. */
  check(): void {
    if (this.#session === undefined) throw this.#over()
  }

  async get(table: string, key: readonly Value[]): Promise<Row | undefined> {
    const statements = this.statements.of(table)
    const { statement, parameters } = statements.get(key)
    const { rows } = await this.session.run(statement, parameters)
    return rows[0] === undefined ? undefined : statements.codec.decode(rows[0])
  }

  async range(table: string, range: Range): Promise<Row[]> {
    const statements = this.statements.of(table)
    // Own properties only: what somebody puts on Object.prototype is no part of a range.
    const { statement, parameters } = statements.range({ __proto__: null, ...range } as Range)
    const { rows } = await this.session.run(statement, parameters)
    return rows.map((row) => statements.codec.decode(row))
  }

  /** The session. @throws `StorageFailure` when it is over. */
  protected get session(): SqlSession {
    if (this.#session === undefined) throw this.#over()
    return this.#session
  }

  #over(): StorageFailure {
    return storageFailureOf(this.#reason) ?? refusal('This snapshot or transaction is over.', this.#reason)
  }
}
