import type { Value } from '@chatelaine/core/storage'
import type { SqlResult, SqlStatement } from '@chatelaine/storage-sql'
import type { PostgresSession } from './session.ts'

/**
 * The session of a transaction that may be asked before it has begun. What it reads goes at once. The first statement
 * that does more, and all that come after it, wait for the beginning and fail with it: where the server refuses BEGIN,
 * as one does that has become a standby, each would be a transaction of its own, without the lock and beyond undoing.
 * Once that is known nothing is read either: each read would see another state, and what does not fit looks tampered with.
 */
export class HeldBack implements PostgresSession {
  readonly #session: PostgresSession
  #beginning: Promise<void> | undefined
  #waits = false
  #held = 0

  constructor(session: PostgresSession) {
    this.#session = session
  }

  /** Holds back what writes until this resolves. */
  until(beginning: Promise<void>): void {
    this.#beginning = beginning
    // The first to hear of it, so that whoever waits goes before whoever comes then.
    void beginning.then(
      () => (this.#beginning = undefined),
      () => (this.#waits = true),
    )
  }

  /** Whether all that was asked for has gone to the server. */
  get isClear(): boolean {
    return this.#beginning === undefined && this.#held === 0
  }

  run(statement: SqlStatement, parameters: readonly unknown[]): Promise<SqlResult> {
    return this.#inTime(statement, () => this.#session.run(statement, parameters))
  }

  runRows(statement: SqlStatement, parameters: readonly unknown[]): Promise<readonly (readonly unknown[])[]> {
    return this.#inTime(statement, () => this.#session.runRows(statement, parameters))
  }

  runEach(statement: SqlStatement, lists: Iterable<readonly Value[]>): Promise<number> {
    return this.#inTime(statement, () => this.#session.runEach(statement, lists))
  }

  async #inTime<T>(statement: SqlStatement, ask: () => Promise<T>): Promise<T> {
    if (!this.#isHeld(statement)) return ask()
    this.#held++
    try {
      await this.#beginning
    } finally {
      this.#held--
    }
    return ask()
  }

  #isHeld({ sql }: SqlStatement): boolean {
    if (this.#beginning === undefined) return false
    this.#waits ||= !sql.startsWith('select ')
    return this.#waits
  }
}
