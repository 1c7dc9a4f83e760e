import { unlessAborted } from '@chatelaine/storage-sql'
import type { Connection } from './connection.ts'
import { Fairness } from './fairness.ts'
import { LogTrim } from './log-trim.ts'
import { pause } from './patience.ts'
import type { Patience } from './patience.ts'

/** The one connection that writes. Whoever uses it takes turns. */
export class Writer {
  readonly #open: () => Connection
  readonly #fairness = new Fairness()
  readonly #trim = new LogTrim()
  #connection: Connection | undefined
  #dataVersion: number | undefined
  #warned = false

  constructor(open: () => Connection) {
    this.#open = open
  }

  /**
   * Runs `work` in a transaction that excludes all others on this file, and commits it.
   *
   * A crash before the commit leaves nothing, one after it everything: the log's last frame decides. What the log has
   * and the database lacks is found by whoever opens the file next.
   *
   * @throws `StorageFailure` when the lock is not to be had in time, or the commit fails; whatever `work` throws.
   */
  async exclusively<T>(patience: Patience, work: (connection: Connection) => Promise<T>): Promise<T> {
    await this.#stayAway(patience)
    const connection = await this.#connect(patience)
    try {
      await patience.untilFree(() => connection.begin('immediate'))
      this.#noticeOthers(connection)
      const result = await unlessAborted(() => work(connection), patience.given)
      connection.commit()
      this.#trim.committed(connection)
      return result
    } catch (error) {
      connection.rollback()
      throw error
    } finally {
      this.#fairness.released(performance.now())
      if (!connection.isSound) this.close()
    }
  }

  /** Closes the connection. The next use opens another. */
  close(): void {
    this.#connection?.close()
    this.#connection = undefined
    this.#dataVersion = undefined
  }

  /** Closes the connection for good and, unless others still use the log, moves what it has into the database. */
  finish(): void {
    try {
      this.#connection?.checkpoint()
    } catch {
      // The log is durable as it is: whoever opens the file next takes care of it.
    }
    this.close()
  }

  /** SQLite recovers the log of a process that died, and switches it on, under locks of its own. */
  async #connect(patience: Patience): Promise<Connection> {
    this.#connection ??= await patience.untilFree(this.#open)
    return this.#connection
  }

  async #stayAway(patience: Patience): Promise<void> {
    const gap = this.#fairness.gapBefore(performance.now())
    if (gap > 0) await pause(gap, patience.given)
  }

  /** SQLite counts, for each connection, the commits of all others. */
  #noticeOthers(connection: Connection): void {
    const version = connection.pragma('data_version')
    const othersWrote = this.#dataVersion !== undefined && version !== this.#dataVersion
    this.#dataVersion = version
    this.#fairness.taken(performance.now(), othersWrote)
    if (!othersWrote || this.#warned) return
    this.#warned = true
    process.emitWarning(
      'Another connection writes to the same SQLite database. That is safe, but every change then waits for two. ' +
        'One writing process is faster; for several, use PostgreSQL.',
      { code: 'CHATELAINE_SQLITE_SHARED' },
    )
  }
}
