import type {
  StorageAdapter,
  StorageReader,
  StorageTransaction,
  TableDescriptor,
  TransactOptions,
} from '@chatelaine/core/storage'
import { refusal } from '@chatelaine/storage-sql'
import { Database } from './database.ts'
import { settingsOf } from './options.ts'
import type { PostgresStorageOptions, Settings } from './options.ts'
import { Tenants } from './tenants.ts'

class PostgresStorage implements StorageAdapter {
  readonly name = 'postgres'
  readonly #settings: Settings
  readonly #tenants: Tenants
  readonly #running = new Set<Promise<unknown>>()
  #database: Database | undefined
  #opening = false
  #closing: Promise<void> | undefined

  constructor(settings: Settings) {
    this.#settings = settings
    this.#tenants = new Tenants(settings.lockTimeoutMs)
  }

  async open(tables: readonly TableDescriptor[]): Promise<{ readonly exists: boolean }> {
    if (this.#closing !== undefined || this.#opening) throw refusal('This storage was opened before.')
    this.#opening = true
    const database = await Database.open(this.#settings, tables)
    try {
      const applied = await database.inspect()
      if (applied.length === database.migrations.length) database.expectTables()
      this.#database = database
      return { exists: applied.length > 0 }
    } catch (error) {
      await database.close()
      throw error
    }
  }

  async migrate(): Promise<void> {
    const database = this.#opened()
    await this.#run(async () => {
      const applied = await database.applied()
      if (applied.length < database.migrations.length) {
        if (!this.#settings.migrate) {
          throw refusal(
            'Tables are missing and this storage was made with migrate: false. Open the database once without it, ' +
              'as a role that may change the schema.',
          )
        }
        await database.migrate()
      }
      database.expectTables()
    })
  }

  async snapshot<T>(read: (view: StorageReader) => Promise<T>): Promise<T> {
    const database = this.#opened()
    return this.#run(() => database.snapshot(read))
  }

  async transact<T>(
    tenant: string,
    write: (tx: StorageTransaction) => Promise<T>,
    options: TransactOptions = {},
  ): Promise<T> {
    const database = this.#opened()
    return this.#run(() =>
      this.#tenants.inTurn(tenant, options.signal, () => database.transact(tenant, write, options)),
    )
  }

  async close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    const running = work()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  async #finish(): Promise<void> {
    await Promise.allSettled(this.#running)
    await this.#database?.close()
  }

  #opened(): Database {
    if (this.#closing !== undefined) throw refusal('This storage is closed.')
    if (this.#database === undefined) throw refusal('This storage is not open yet.')
    return this.#database
  }
}

/**
 * A storage in a PostgreSQL database, which any number of processes on any number of machines can share. Every commit
 * is durable when it returns: transactions set `synchronous_commit` for themselves, and a server with `fsync=off` is
 * refused.
 *
 * One connection to write and one to read are kept open; further ones are opened while they are needed. When the
 * server goes away, what was under way fails, and what comes after its return works again.
 *
 * @param options - a URL, or all options.
 * @throws `StorageFailure` when the options cannot be meant.
 *
 * @example
 * ```ts no-check
 * const storage = postgresStorage('postgresql://kms@db.example/kms')
 * ```
 */
export function postgresStorage(options: string | PostgresStorageOptions): StorageAdapter {
  return new PostgresStorage(settingsOf(options))
}
