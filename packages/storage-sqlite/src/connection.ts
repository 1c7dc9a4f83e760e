import type { StorageConflict, StorageFailure, Value } from '@chatelaine/core/storage'
import { BoundedMap, refusal } from '@chatelaine/storage-sql'
import type { SqlResult, SqlSession, SqlStatement } from '@chatelaine/storage-sql'
import type { Database, Statement } from 'better-sqlite3'
import type { Driver } from './driver.ts'
import { isDamage, translate } from './errors.ts'

/** What every connection is set to, and what reading the setting back must give. */
const settings = [
  // Nothing in the schema may call functions that could do harm: the file may come from somebody else.
  { pragma: 'trusted_schema', value: 'OFF', reads: 0 },
  { pragma: 'cell_size_check', value: 'ON', reads: 1 },
  // The write-ahead log is what lets snapshots and transactions run side by side.
  { pragma: 'journal_mode', value: 'WAL', reads: 'wal' },
  // The driver's default, NORMAL, loses committed transactions when the power fails.
  { pragma: 'synchronous', value: 'FULL', reads: 2 },
  // When the log is moved into the database is for the writer to say.
  { pragma: 'wal_autocheckpoint', value: '0', reads: 0 },
  // What is deleted is overwritten with zeros, not left in free pages.
  { pragma: 'secure_delete', value: 'ON', reads: 1 },
  // What a savepoint may have to take back is kept in memory: SQLite would write it, page by page, to a file elsewhere.
  { pragma: 'temp_store', value: 'MEMORY', reads: 2 },
] as const

const maxStatements = 256
const noRows: SqlResult['rows'] = []

interface Prepared {
  readonly statement: Statement<unknown[], Record<string, unknown>>
  readonly returnsRows: boolean
}

function configure(db: Database): void {
  for (const { pragma, value, reads } of settings) {
    db.pragma(`${pragma} = ${value}`)
    const found = db.pragma(pragma, { simple: true })
    if (found !== reads) throw refusal(`SQLite does not take ${pragma} = ${value}: it stays ${String(found)}.`)
  }
}

/** One connection to the database. All that it does is done when the call returns. */
export class Connection implements SqlSession {
  readonly #db: Database
  readonly #prepared = new BoundedMap<string, Prepared>(maxStatements)
  #lost: StorageFailure | StorageConflict | undefined
  #begun = false
  #isSound = true

  /**
   * Opens the file, which must exist.
   *
   * @throws `StorageFailure` when it cannot be opened, or not with the settings that durability needs.
   */
  constructor(driver: Driver, path: string) {
    try {
      this.#db = new driver(path, { timeout: 0, fileMustExist: true })
    } catch (error) {
      throw translate(error)
    }
    try {
      configure(this.#db)
    } catch (error) {
      this.#db.close()
      throw translate(error)
    }
  }

  /** Whether it was not closed yet. */
  get isOpen(): boolean {
    return this.#db.open
  }

  /** Whether nothing has happened to it that speaks against using it again. */
  get isSound(): boolean {
    return this.#isSound
  }

  /**
   * Begins a transaction: one that excludes all other writers, or one that sees the newest committed state.
   *
   * @throws `StorageFailure`, transient where another connection holds the lock.
   */
  begin(kind: 'immediate' | 'deferred'): void {
    this.runNow({ sql: `begin ${kind}` })
    this.#begun = true
    if (kind === 'immediate') return
    try {
      // It sees the state of its first read, not of its beginning.
      this.pragma('schema_version')
    } catch (error) {
      this.rollback()
      throw error
    }
  }

  /**
   * Commits. When this returns, SQLite has made the transaction durable.
   *
   * @throws `StorageFailure`. Where the transaction could still be rolled back it was not applied; otherwise it may
   *   have been, for the end of the log may have reached the disk or not.
   */
  commit(): void {
    if (this.#lost !== undefined) throw this.#lost
    try {
      this.#prepare('commit').statement.run()
      this.#begun = false
    } catch (error) {
      const failure = translate(error, this.#db.inTransaction && this.rollback() ? 'none' : 'unknown')
      this.#isSound = false
      throw failure
    }
  }

  /** Undoes the transaction, if there is one. @returns whether that succeeded. */
  rollback(): boolean {
    this.#begun = false
    this.#lost = undefined
    try {
      if (this.#db.inTransaction) this.#prepare('rollback').statement.run()
      return true
    } catch {
      this.#isSound = false
      return false
    }
  }

  async run(statement: SqlStatement, parameters: readonly unknown[]): Promise<SqlResult> {
    this.#expectTransaction()
    return this.runNow(statement, parameters)
  }

  async runEach({ sql }: SqlStatement, lists: Iterable<readonly Value[]>): Promise<number> {
    this.#expectTransaction()
    if (this.#lost !== undefined) throw this.#lost
    let changes = 0
    try {
      const { statement } = this.#prepare(sql)
      for (const list of lists) changes += statement.run(...list).changes
    } catch (error) {
      throw this.#translate(error)
    }
    return changes
  }

  /** As {@link Connection.run}, at once. */
  runNow({ sql }: SqlStatement, parameters: readonly unknown[] = []): SqlResult {
    if (this.#lost !== undefined) throw this.#lost
    try {
      const { statement, returnsRows } = this.#prepare(sql)
      if (returnsRows) return { rows: statement.all(...parameters), changes: 0 }
      return { rows: noRows, changes: statement.run(...parameters).changes }
    } catch (error) {
      throw this.#translate(error)
    }
  }

  /** What a pragma that is one number reads. */
  pragma(name: 'data_version' | 'schema_version'): number {
    return Number(this.runNow({ sql: `pragma ${name}` }).rows[0]?.[name])
  }

  /** Moves all of the log into the database. @throws `StorageFailure`, transient while others read or write. */
  checkpoint(): void {
    this.runNow({ sql: 'pragma wal_checkpoint(truncate)' })
  }

  /**
   * Moves of the log into the database what no reader needs any more, without waiting for anybody.
   *
   * @returns whether that was all of it, so that the log begins anew. @throws `StorageFailure`
   */
  moveLog(): boolean {
    const [row] = this.runNow({ sql: 'pragma wal_checkpoint(passive)' }).rows
    return row?.['busy'] === 0 && row['log'] === row['checkpointed']
  }

  /** Releases it, and the locks that it holds. */
  close(): void {
    this.#db.close()
  }

  /** What runs without a transaction is committed at once, and never asked for. */
  #expectTransaction(): void {
    if (!this.#begun) throw refusal('This snapshot or transaction is over.')
  }

  #prepare(sql: string): Prepared {
    return this.#prepared.obtain(sql, () => {
      const statement = this.#db.prepare<unknown[], Record<string, unknown>>(sql)
      return { statement, returnsRows: statement.reader }
    })
  }

  #translate(error: unknown): StorageFailure | StorageConflict {
    const failure = translate(error)
    if (isDamage(error)) this.#isSound = false
    // Some errors make SQLite roll back by itself. What came next would run without a transaction around it.
    if (this.#begun && !this.#db.inTransaction) this.#lost = failure
    return failure
  }
}
