import type {
  StorageAdapter,
  StorageReader,
  StorageTransaction,
  TableDescriptor,
  TransactOptions,
} from '@chatelaine/core/storage'
import {
  Schema,
  SqlTransaction,
  SqlView,
  Statements,
  Turns,
  appliedMigrations,
  migrate,
  refusal,
} from '@chatelaine/storage-sql'
import { Connection } from './connection.ts'
import { DatabaseFile } from './database-file.ts'
import { sqliteDialect } from './dialect.ts'
import { loadDriver } from './driver.ts'
import { settingsOf } from './options.ts'
import type { Settings, SqliteStorageOptions } from './options.ts'
import { Patience } from './patience.ts'
import { Readers } from './readers.ts'
import { SchemaGuard, checkSchema } from './schema-check.ts'
import { Writer } from './writer.ts'

/** What there is once the storage is open. */
interface Open {
  readonly file: DatabaseFile
  readonly schema: Schema
  readonly statements: Statements
  readonly guard: SchemaGuard
  readonly writer: Writer
  readonly readers: Readers
}

class SqliteStorage implements StorageAdapter {
  readonly name = 'sqlite'
  readonly markPath: string
  readonly #settings: Settings
  readonly #turns = new Turns()
  readonly #reading = new Set<Promise<unknown>>()
  #open: Open | undefined
  #closing: Promise<void> | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.markPath = `${settings.filename}.mark`
  }

  async open(tables: readonly TableDescriptor[]): Promise<{ readonly exists: boolean }> {
    if (this.#closing !== undefined || this.#open !== undefined) throw refusal('This storage was opened before.')
    const driver = await loadDriver()
    const file = await DatabaseFile.at(this.#settings.filename)
    const schema = new Schema(tables, sqliteDialect)
    const connect = (): Connection => file.connect((path) => new Connection(driver, path))
    const readers = new Readers(() => this.#patience().untilFree(connect))
    try {
      const applied = await this.#inspect(readers, schema)
      const guard = new SchemaGuard(schema, applied)
      this.#open = { file, schema, readers, guard, writer: new Writer(connect), statements: new Statements(schema) }
      return { exists: applied.length > 0 }
    } catch (error) {
      readers.close()
      throw error
    }
  }

  async migrate(): Promise<void> {
    const { readers, schema, writer } = this.#opened()
    const applied = await this.#inspect(readers, schema)
    if (applied.length === schema.migrations.length) return
    if (!this.#settings.migrate) {
      throw refusal(
        'Tables are missing and this storage was made with migrate: false. Open the database once without it, from a ' +
          'place that may change the schema.',
      )
    }
    await this.#inTurn(undefined, (patience) =>
      writer.exclusively(patience, (connection) => migrate(connection, schema)),
    )
  }

  async snapshot<T>(read: (view: StorageReader) => Promise<T>): Promise<T> {
    const { file, readers, guard, statements } = this.#opened()
    file.check()
    const reading = readers.lend(async (connection) => {
      await this.#patience().untilFree(() => connection.begin('deferred'))
      guard.checkForReading(connection)
      const view = new SqlView(connection, statements)
      try {
        return await read(view)
      } finally {
        view.end()
      }
    })
    this.#reading.add(reading)
    try {
      return await reading
    } finally {
      this.#reading.delete(reading)
    }
  }

  async transact<T>(
    _tenant: string,
    write: (tx: StorageTransaction) => Promise<T>,
    { signal }: TransactOptions = {},
  ): Promise<T> {
    const { file, writer, guard, statements } = this.#opened()
    return this.#inTurn(signal, async (patience) => {
      file.check()
      let transaction: SqlTransaction | undefined
      try {
        return await writer.exclusively(patience, async (connection) => {
          guard.check(connection)
          transaction = new SqlTransaction(connection, statements)
          const result = await write(transaction)
          transaction.check()
          return result
        })
      } finally {
        transaction?.end()
      }
    })
  }

  async close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  /** Runs `use` when all that were asked for before have ended. */
  async #inTurn<T>(signal: AbortSignal | undefined, use: (patience: Patience) => Promise<T>): Promise<T> {
    const patience = this.#patience(signal)
    await this.#turns.take(this.#turns.isFree ? signal : patience.signal)
    try {
      return await use(patience)
    } finally {
      this.#turns.pass()
    }
  }

  /** What migrations the database has had, after a look at what they left. */
  #inspect(readers: Readers, schema: Schema): Promise<string[]> {
    return readers.lend(async (connection) => {
      await this.#patience().untilFree(() => connection.begin('deferred'))
      const applied = await appliedMigrations(connection, schema)
      checkSchema(connection, schema, applied)
      return applied
    })
  }

  async #finish(): Promise<void> {
    await this.#turns.take()
    await Promise.allSettled(this.#reading)
    this.#open?.readers.close()
    this.#open?.writer.finish()
    this.#turns.pass()
  }

  #opened(): Open {
    if (this.#closing !== undefined) throw refusal('This storage is closed.')
    if (this.#open === undefined) throw refusal('This storage is not open yet.')
    return this.#open
  }

  #patience(signal?: AbortSignal): Patience {
    return new Patience(signal, this.#settings.lockTimeoutMs)
  }
}

/**
 * A storage in one SQLite file, which one machine's processes can share; one of them writing is best, several are
 * correct. Every commit is durable when it returns: the write-ahead log is flushed to the disk first
 * (`synchronous=FULL`). Readers and the writer never wait for each other.
 *
 * The file is as secret as its folder: it is created for its owner alone, and SQLite keeps two more files beside it
 * (`-wal` and `-shm`) that belong to it. A KMS keeps its high-water mark there too (`.mark`), unless told otherwise. It must lie on a local disk; SQLite's locks do not work over networks.
 *
 * @param options - the name of the file, or all options.
 * @throws `StorageFailure` when the options cannot be meant, such as `:memory:` for the file's name.
 *
 * @example
 * ```ts no-check
 * const storage = sqliteStorage('./kms.db')
 * ```
 */
export function sqliteStorage(options: string | SqliteStorageOptions): StorageAdapter {
  return new SqliteStorage(settingsOf(options))
}
