import { StorageConflict } from '@chatelaine/core/storage'
import type { Row, StorageFailure, Value } from '@chatelaine/core/storage'
import { SqlTransaction, refusal } from '@chatelaine/storage-sql'
import type { Statements } from '@chatelaine/storage-sql'
import { binaryArray } from './binary-array.ts'
import type { PostgresSession } from './connection.ts'
import type { WriteStatements } from './write-statements.ts'

/** Rows that go to the server in one message. */
const maxRows = 256

const changed = (table: string): StorageFailure =>
  refusal(`The database wrote something else into ${table} than it was given: look for triggers and rules.`)

/** The server has compared what it wrote with what it was given. */
function expectSame(table: string, [same]: readonly unknown[] = []): void {
  if (same !== 'true') throw changed(table)
}

/**
 * Writes, with everything that was written compared with what was given: a server that rewrites or swallows rows is
 * noticed before the commit.
 */
export class PostgresTransaction extends SqlTransaction {
  readonly #writes: WriteStatements
  readonly #session: PostgresSession

  constructor(session: PostgresSession, statements: { readonly shared: Statements; readonly writes: WriteStatements }) {
    super(session, statements.shared)
    this.#session = session
    this.#writes = statements.writes
  }

  override async insert(table: string, row: Row): Promise<void> {
    const { codec, descriptor } = this.statements.of(table)
    const values = codec.encode(row)
    const [written] = await this.#live.runRows(this.#writes.of(table).insert, values)
    if (written !== undefined) return expectSame(table, written)
    // PostgreSQL gives up the whole transaction at a clash, unless it was told to insert nothing then.
    const key = descriptor.primaryKey.map((column) => row[column] as Value)
    const clashes = (await this.get(table, key)) !== undefined || (await this.#clashesElsewhere(table, row))
    if (!clashes) throw changed(table)
    throw new StorageConflict(`A row of ${table} clashes with another one.`)
  }

  override async replace(table: string, row: Row, expectedRev: number): Promise<void> {
    const { descriptor } = this.statements.of(table)
    const replaceNow = async (): Promise<void> => this.#replace(table, row, expectedRev)
    // Only a unique index can make the server give up the transaction: the primary key stays as it is.
    await (descriptor.indexes.some(({ unique }) => unique === true) ? this.savepoint(replaceNow) : replaceNow())
  }

  override async append(table: string, rows: readonly Row[]): Promise<void> {
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
    // All of them are asked for at once: what is asked for next comes after the last.
    const answers = parts.map(async (columns) => this.#live.runRows(this.#writes.of(table).append, columns))
    for (const answer of await Promise.allSettled(answers)) {
      if (answer.status === 'rejected') throw answer.reason
      expectSame(table, answer.value[0])
    }
  }

  /** The session, while the transaction lasts: after that it is the next one's. @throws `StorageFailure` */
  get #live(): PostgresSession {
    this.check()
    return this.#session
  }

  async #replace(table: string, row: Row, expectedRev: number): Promise<void> {
    const { codec } = this.statements.of(table)
    const values = codec.encode(row)
    const { parameters } = this.statements.of(table).replace(values, expectedRev)
    const [written] = await this.#live.runRows(this.#writes.replaceOf(table), parameters)
    if (written === undefined) {
      throw new StorageConflict(`A row of ${table} clashes: there is none with this key and rev.`)
    }
    expectSame(table, written)
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
