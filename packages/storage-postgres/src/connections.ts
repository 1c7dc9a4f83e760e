import { Turns, abandoned, unlessAborted } from '@chatelaine/storage-sql'
import { Connection } from './connection.ts'
import type { PostgresClient, PostgresPool } from './driver.ts'
import { translate } from './errors.ts'
import type { ConnectionSettings } from './session.ts'

/** What connections are made of. */
export interface ConnectionsParts {
  /** Where they come from. */
  readonly pool: PostgresPool
  /** How they are used. */
  readonly settings: ConnectionSettings
  /** Looks at a connection before it is used for the first time. */
  readonly vet: (connection: Connection) => Promise<void>
  /** How long to wait for one, in milliseconds, where no signal says so. */
  readonly patienceMs: number
  /** How many may be lent at once. Who comes later waits. */
  readonly max: number
}

/** How long, at least, a new connection is waited for where no signal says so, in milliseconds. */
const connectMs = 2000

/** Connections for one purpose: one is kept, further ones are taken from the pool while they are needed. */
export class Connections {
  readonly #parts: ConnectionsParts
  readonly #turns: Turns
  readonly #vetted = new WeakSet<PostgresClient>()
  readonly #releasing = new Set<Promise<void>>()
  #kept: Connection | undefined
  #closed = false

  constructor(parts: ConnectionsParts) {
    this.#parts = parts
    this.#turns = new Turns(parts.max)
  }

  /** Takes the connection that is kept. @throws `StorageFailure` when the server cannot be reached. */
  async prepare(): Promise<void> {
    await this.lend(async () => undefined)
  }

  /** Lends a connection to `use`, which ends every transaction that it begins. */
  async lend<T>(use: (connection: Connection) => Promise<T>, given?: AbortSignal): Promise<T> {
    if (!this.#turns.isFree) await this.#turns.take(given ?? this.#patience())
    else await this.#turns.take(given)
    let connection: Connection | undefined
    try {
      connection = this.#takeKept() ?? (await this.#connect(given))
      return await use(connection)
    } finally {
      this.#takeBack(connection)
    }
  }

  /** Gives all connections back. */
  async close(): Promise<void> {
    this.#closed = true
    this.#takeBack(this.#takeKept())
    await Promise.all(this.#releasing)
  }

  #takeKept(): Connection | undefined {
    const kept = this.#kept
    this.#kept = undefined
    return kept?.isSound === true ? kept : undefined
  }

  /** One that is still busy with the end of its last transaction may be kept: the next one's begin comes after it. */
  #takeBack(connection: Connection | undefined): void {
    if (connection !== undefined) {
      if (connection.isSound && this.#kept?.isSound !== true && !this.#closed) this.#kept = connection
      else this.#release(connection)
    }
    this.#turns.pass()
  }

  #release(connection: Connection): void {
    const released = connection.release().finally(() => this.#releasing.delete(released))
    this.#releasing.add(released)
  }

  #patience(): AbortSignal {
    return AbortSignal.timeout(this.#parts.patienceMs)
  }

  async #connect(signal: AbortSignal | undefined): Promise<Connection> {
    const client = await this.#client(signal ?? AbortSignal.timeout(Math.max(this.#parts.patienceMs, connectMs)))
    const connection = new Connection(client, this.#parts.settings)
    if (this.#vetted.has(client)) return connection
    try {
      await unlessAborted(() => this.#parts.vet(connection), signal)
      this.#vetted.add(client)
      return connection
    } catch (error) {
      connection.destroy()
      throw error
    }
  }

  async #client(signal: AbortSignal): Promise<PostgresClient> {
    if (signal.aborted) throw abandoned(signal)
    const connecting = this.#parts.pool.connect()
    try {
      return await unlessAborted(() => connecting, signal)
    } catch (error) {
      // One that comes after all is nobody's.
      connecting.then((client) => client.release()).catch(() => undefined)
      throw translate(error)
    }
  }
}
