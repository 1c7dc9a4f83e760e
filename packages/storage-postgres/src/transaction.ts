import { StorageConflict } from '@chatelaine/core/storage'
import type { Range, Row, StorageFailure, Value } from '@chatelaine/core/storage'
import { SqlTransaction, refusal } from '@chatelaine/storage-sql'
import type { SqlStatement, Statements } from '@chatelaine/storage-sql'
import { binaryArray } from './binary-array.ts'
import { sqlStateOf } from './errors.ts'
import type { PostgresSession } from './session.ts'
import type { WriteStatements } from './write-statements.ts'

/** Rows that go to the server in one message. */
const maxRows = 256

const changed = (table: string): StorageFailure =>
  refusal(`The database wrote something else into ${table} than it was given: look for triggers and rules.`)

/** What the server divides by zero for: it has compared what it wrote with what it was given. */
const differs = (error: unknown): boolean => error instanceof Error && sqlStateOf(error.cause) === '22012'

/** What a transaction is made with. */
export interface TransactionParts {
  readonly shared: Statements
  readonly writes: WriteStatements
  /** Sends the commit along, if that can be done now. */
  readonly sendCommit: () => boolean
}

/**
 * Writes, with everything that was written compared with what was given: a server that rewrites or swallows rows is
 * noticed before the commit.
 */
export class PostgresTransaction extends SqlTransaction {
  readonly #writes: WriteStatements
  readonly #session: PostgresSession
  readonly #sendCommit: () => boolean
  /** How many are under way that can fail, or have failed, without the server giving up the transaction. */
  #unsure = 0

  constructor(session: PostgresSession, { shared, writes, sendCommit }: TransactionParts) {
    super(session, shared)
    this.#session = session
    this.#writes = writes
    this.#sendCommit = sendCommit
  }

  /** The commit goes along where nothing is under way but what the server gives up the transaction for if it fails. */
  last(): void {
    this.check()
    if (this.#unsure === 0 && this.#sendCommit()) this.end()
  }

  override async get(table: string, key: readonly Value[]): Promise<Row | undefined> {
    return this.#unsurely(() => super.get(table, key))
  }

  override async range(table: string, range: Range): Promise<Row[]> {
    return this.#unsurely(() => super.range(table, range))
  }

  override async insert(table: string, row: Row): Promise<void> {
    return this.#unsurely(() => this.#insert(table, row))
  }

  override async replace(table: string, row: Row, expectedRev: number): Promise<void> {
    const { descriptor } = this.statements.of(table)
    const replaceNow = async (): Promise<void> => this.#unsurely(() => this.#replace(table, row, expectedRev))
    // Only a unique index can make the server give up the transaction: the primary key stays as it is.
    await (descriptor.indexes.some(({ unique }) => unique === true) ? this.savepoint(replaceNow) : replaceNow())
  }

  override async remove(table: string, key: readonly Value[], expectedRev?: number): Promise<void> {
    return this.#unsurely(() => super.remove(table, key, expectedRev))
  }

  override async savepoint<T>(step: () => Promise<T>): Promise<T> {
    return this.#unsurely(() => super.savepoint(step))
  }

  override async append(table: string, rows: readonly Row[]): Promise<void> {
    this.#unsure++
    const parts = this.#columnsOf(table, rows)
    // All of them are asked for at once: what is asked for next comes after the last.
    const answers = parts.map((columns) => this.#write(table, this.#writes.of(table).append, columns))
    this.#unsure--
    for (const answer of await Promise.allSettled(answers)) {
      if (answer.status === 'rejected') throw answer.reason
      if (!answer.value) throw changed(table)
    }
  }

  /** The session, while the transaction lasts: after that it is the next one's. @throws `StorageFailure` */
  get #live(): PostgresSession {
    this.check()
    return this.#session
  }

  /** Does what can fail without the server giving up the transaction. What has failed stays counted. */
  async #unsurely<T>(work: () => Promise<T>): Promise<T> {
    this.#unsure++
    const result = await work()
    this.#unsure--
    return result
  }

  /** Rows by column, in as many parts as messages. */
  #columnsOf(table: string, rows: readonly Row[]): Buffer[][] {
    const { codec, descriptor } = this.statements.of(table)
    const types = Object.values(descriptor.columns).map(({ type }) => type)
    const parts: Buffer[][] = []
    for (let at = 0; at < rows.length; at += maxRows) {
      const given = rows.slice(at, at + maxRows).map((row) => codec.encode(row))
      parts.push(
        types.map((type, column) =>
          binaryArray(
            type,
            given.map((values) => values[column] as Value),
          ),
        ),
      )
    }
    return parts
  }

  async #insert(table: string, row: Row): Promise<void> {
    const { codec, descriptor } = this.statements.of(table)
    if (await this.#write(table, this.#writes.of(table).insert, codec.encode(row))) return
    // PostgreSQL gives up the whole transaction at a clash, unless it was told to insert nothing then.
    const key = descriptor.primaryKey.map((column) => row[column] as Value)
    const clashes = (await this.get(table, key)) !== undefined || (await this.#clashesElsewhere(table, row))
    if (!clashes) throw changed(table)
    throw new StorageConflict(`A row of ${table} clashes with another one.`)
  }

  async #replace(table: string, row: Row, expectedRev: number): Promise<void> {
    const { codec } = this.statements.of(table)
    const { parameters } = this.statements.of(table).replace(codec.encode(row), expectedRev)
    if (await this.#write(table, this.#writes.replaceOf(table), parameters)) return
    throw new StorageConflict(`A row of ${table} clashes: there is none with this key and rev.`)
  }

  /** Runs a statement that compares what it wrote with what it was given. Says whether it wrote anything. */
  async #write(table: string, statement: SqlStatement, parameters: readonly unknown[]): Promise<boolean> {
    try {
      const [written] = await this.#live.runRows(statement, parameters)
      if (written !== undefined && written[0] !== '1') throw changed(table)
      return written !== undefined
    } catch (error) {
      throw differs(error) ? changed(table) : error
    }
  }

  /** Whether a row that its primary key does not find has this row's place in a unique index. */
  async #clashesElsewhere(table: string, row: Row): Promise<boolean> {
    const unique = this.statements.of(table).descriptor.indexes.filter((index) => index.unique === true)
    for (const { name, columns } of unique) {
      const prefix = columns.map((column) => row[column] as Value)
      if (prefix.includes(null)) continue
      if ((await this.range(table, { index: name, prefix, limit: 1 })).length > 0) return true
    }
    return false
  }
}
