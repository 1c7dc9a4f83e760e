import type { SqlSession, SqlStatement } from '@chatelaine/storage-sql'

/** How connections are used. */
export interface ConnectionSettings {
  /** Whether the server keeps statements prepared. */
  readonly preparedStatements: boolean
  /** How long the server may take for an answer, in milliseconds. */
  readonly answerWithinMs: number
}

/** A session that gives rows as lists too. */
export interface PostgresSession extends SqlSession {
  /** Runs one statement. Gives the rows that it returned, each as the list of its values. */
  runRows(statement: SqlStatement, parameters: readonly unknown[]): Promise<readonly (readonly unknown[])[]>
}
