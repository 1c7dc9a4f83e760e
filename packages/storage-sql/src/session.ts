import type { Value } from '@chatelaine/core/storage'

/** A compiled statement. Its text is all that it is: sessions may keep what they prepared under it. */
export interface SqlStatement {
  /** The text, with placeholders for every value. */
  readonly sql: string
}

/** What a statement came to. */
export interface SqlResult {
  /** The rows that it returned, by column. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** How many rows it inserted, updated or deleted. */
  readonly changes: number
}

/**
 * One connection with one transaction open on it: all that a driver has to bring along.
 *
 * Drivers' errors are translated here: a violated primary key or unique index is a `StorageConflict` after which the
 * transaction goes on as before the statement; all else is a `StorageFailure`. Neither carries a value of a row.
 */
export interface SqlSession {
  /** Runs one statement. */
  run(statement: SqlStatement, parameters: readonly unknown[]): Promise<SqlResult>

  /**
   * Runs one statement for each list of parameters, in their order, up to the first that fails. A list is good only
   * until the next one is asked for.
   *
   * @returns how many rows all of them changed together.
   */
  runEach(statement: SqlStatement, lists: Iterable<readonly Value[]>): Promise<number>
}
