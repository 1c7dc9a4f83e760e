import type { TableDescriptor, TransactOptions } from '@chatelaine/core/storage'
import { Schema, SqlView, Statements, appliedMigrations, migrate, refusal } from '@chatelaine/storage-sql'
import type { SqlSession } from '@chatelaine/storage-sql'
import { Beginnings, beginSnapshot } from './beginnings.ts'
import type { Connection } from './connection.ts'
import { Connections } from './connections.ts'
import { postgresDialect } from './dialect.ts'
import { HeldBack } from './held-back.ts'
import { openPool } from './pool.ts'
import type { OpenPool } from './pool.ts'
import type { Settings } from './options.ts'
import { checkSchema } from './schema-check.ts'
import { checkServer } from './server-check.ts'
import { PostgresTransaction } from './transaction.ts'
import { WriteStatements } from './write-statements.ts'
import { exclusively } from './writer.ts'

const maxReaders = 24
const maxWriters = 8
/** Beyond the wait for a lock, the server may take this long for an answer. */
const answerMs = 5000
const migrationMs = 600_000

interface Texts {
  readonly schema: Schema
  readonly statements: { readonly shared: Statements; readonly writes: WriteStatements }
  readonly beginnings: Beginnings
}

/** The connections to a database, and the statements for its tables. */
export class Database {
  readonly #settings: Settings
  readonly #source: OpenPool
  readonly #tables: readonly TableDescriptor[]
  readonly #readers: Connections
  readonly #writers: Connections
  #known: Texts | undefined
  #migrated = false

  private constructor(settings: Settings, tables: readonly TableDescriptor[]) {
    const { preparedStatements, lockTimeoutMs } = settings
    this.#settings = settings
    this.#tables = tables
    this.#source = openPool(settings.source)
    const { pool } = this.#source
    const vet = (connection: Connection): Promise<void> => this.#vet(connection)
    const parts = { pool, vet, patienceMs: lockTimeoutMs }
    const usage = { preparedStatements, answerWithinMs: lockTimeoutMs + answerMs }
    this.#readers = new Connections({ ...parts, settings: usage, max: maxReaders })
    this.#writers = new Connections({ ...parts, settings: usage, max: maxWriters })
  }

  /** Connects, looks at the server and at what its migrations left. @throws `StorageFailure` */
  static async open(settings: Settings, tables: readonly TableDescriptor[]): Promise<Database> {
    const database = new Database(settings, tables)
    try {
      await database.#readers.prepare()
      await database.#writers.prepare()
      return database
    } catch (error) {
      await database.close()
      throw error
    }
  }

  /** The names of all migrations that there are. */
  get migrations(): readonly string[] {
    return this.#texts.schema.migrations
  }

  /** What migrations the database has had. */
  applied(): Promise<string[]> {
    const { schema } = this.#texts
    return this.#reading((connection) => appliedMigrations(connection, schema))
  }

  /** As {@link Database.applied}, after a look at what they left. */
  inspect(): Promise<string[]> {
    const { schema } = this.#texts
    return this.#reading(async (connection) => {
      const applied = await appliedMigrations(connection, schema)
      await checkSchema(connection, schema, applied)
      return applied
    })
  }

  /** Runs the migrations that are missing. A crash leaves nothing of them: they are one transaction. */
  async migrate(): Promise<void> {
    const { schema, beginnings } = this.#texts
    await this.#writers.lend((connection) => {
      const once: SqlSession = {
        run: (statement, parameters) => connection.runOnce(statement, parameters),
        runEach: (statement, lists) => connection.runEach(statement, lists),
      }
      const work = (): Promise<void> => migrate(once, schema)
      return connection.within(migrationMs, () => exclusively(connection, { begin: beginnings.migration }, work))
    })
    await this.inspect()
  }

  /** From now on every new connection must see the tables as all migrations leave them. */
  expectTables(): void {
    this.#migrated = true
  }

  /** Runs `read` on one state. */
  snapshot<T>(read: (view: SqlView) => Promise<T>): Promise<T> {
    const { statements } = this.#texts
    return this.#reading(async (connection) => {
      const view = new SqlView(connection, statements.shared)
      try {
        return await read(view)
      } finally {
        view.end()
      }
    })
  }

  /** Runs `write` in a transaction that excludes all others of its tenant, and commits it. */
  transact<T>(
    tenant: string,
    write: (tx: PostgresTransaction) => Promise<T>,
    { signal, early }: TransactOptions,
  ): Promise<T> {
    const { statements, beginnings } = this.#texts
    return this.#writers.lend(async (connection) => {
      const session = new HeldBack(connection)
      const sendCommit = (): boolean => session.isClear && connection.sendCommit(signal)
      const transaction = new PostgresTransaction(session, { ...statements, sendCommit })
      const work = async (beginning?: Promise<void>): Promise<T> => {
        if (beginning !== undefined) session.until(beginning)
        const result = await write(transaction)
        if (!connection.isCommitting) transaction.check()
        transaction.end()
        return result
      }
      try {
        return await exclusively(connection, { begin: beginnings.exclusive(tenant), signal, early }, work)
      } finally {
        transaction.end()
      }
    }, signal)
  }

  /** Gives back and closes what was taken. */
  async close(): Promise<void> {
    await Promise.all([this.#readers.close(), this.#writers.close()])
    await this.#source.end()
  }

  get #texts(): Texts {
    if (this.#known === undefined) throw refusal('This storage is not open yet.')
    return this.#known
  }

  #reading<T>(read: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#readers.lend(async (connection) => {
      try {
        await connection.begin(beginSnapshot)
        return await read(connection)
      } finally {
        // Nobody has to wait for the end of what changed nothing. The connection's next use comes after it.
        void connection.rollback()
      }
    })
  }

  /** Looks at a new connection: whatever is at its other end may have changed since the last. */
  async #vet(connection: Connection): Promise<void> {
    this.#known ??= this.#textsFor(this.#settings.schema ?? (await this.#firstSchema(connection)))
    const { schema } = this.#known
    try {
      await connection.begin(beginSnapshot)
      await checkServer(connection, this.#settings.allowUnsafeDurability)
      if (this.#migrated) await checkSchema(connection, schema, schema.migrations)
    } finally {
      await connection.rollback()
    }
  }

  async #firstSchema(connection: Connection): Promise<string> {
    try {
      await connection.begin('begin read only')
      const { rows } = await connection.runOnce({ sql: 'select pg_catalog.current_schema()::text as name' }, [])
      const name = rows[0]?.['name']
      if (typeof name === 'string') return name
      throw refusal('The search path of the connection leads to no schema: name one by the option schema.')
    } finally {
      await connection.rollback()
    }
  }

  #textsFor(place: string): Texts {
    const schema = new Schema(this.#tables, postgresDialect(place, this.#settings.tablePrefix))
    return {
      schema,
      statements: { shared: new Statements(schema), writes: new WriteStatements(schema) },
      beginnings: new Beginnings(schema, this.#settings.lockTimeoutMs),
    }
  }
}
