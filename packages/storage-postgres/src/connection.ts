import type { StorageFailure, Value } from '@chatelaine/core/storage'
import { refusal } from '@chatelaine/storage-sql'
import type { SqlResult, SqlStatement } from '@chatelaine/storage-sql'
import type { PostgresClient, PostgresNotice, PostgresQuery, PostgresResult } from './driver.ts'
import { Blame, doubtOf, isDamage, isDoubtful, isRefusalOfServer, lossOf, translate } from './errors.ts'
import type { ConnectionSettings, PostgresSession } from './session.ts'
import { nameOf } from './statement-name.ts'
import { valueTypes } from './values.ts'
import { Watch } from './watch.ts'

/** How long a commit that is under way may still take when its caller has given up. */
const commitGraceMs = 500

const over = (): StorageFailure => refusal('This snapshot or transaction is over.')

interface How {
  readonly prepared: boolean
  readonly rowMode?: 'array'
}

/** One connection. Its statements run in the order in which they were asked for, sent at once where the client can. */
export class Connection implements PostgresSession {
  readonly #client: PostgresClient
  readonly #settings: ConnectionSettings
  readonly #watch: Watch
  readonly #onError = (error: Error): void => this.#lose(error)
  #tail: Promise<void> = Promise.resolve()
  #pending = 0
  #transaction: symbol | undefined
  #committing: Promise<void> | undefined
  #lost: StorageFailure | undefined
  #released = false
  readonly #blame = new Blame()
  /** How those who wait for an answer give up, in the order in which the answers come. */
  readonly #unanswered: ((reason: Error) => void)[] = []

  constructor(client: PostgresClient, settings: ConnectionSettings) {
    this.#client = client
    this.#settings = settings
    this.#watch = new Watch(settings.answerWithinMs, () => this.#lose(new Error('terminated: no answer')))
    client.on('error', this.#onError)
  }

  /** Whether nothing has happened to it that speaks against using it again. */
  get isSound(): boolean {
    return this.#lost === undefined && !this.#released
  }

  /** Begins a transaction with these statements, all in one message. @throws `StorageFailure` */
  async begin(text: string): Promise<void> {
    const transaction = Symbol('transaction')
    this.#transaction = transaction
    await this.#inTurn(() => this.#ask({ text }))
  }

  /** Whether the commit has been sent, and nobody has asked for its answer. */
  get isCommitting(): boolean {
    return this.#committing !== undefined
  }

  /**
   * Sends the commit right after the statements that are under way, where the client can: it becomes a rollback if one of
   * them fails, and {@link Connection.commit} tells. Says whether it was sent: not after an abort, or without transaction.
   */
  sendCommit(signal?: AbortSignal): boolean {
    if (this.#transaction === undefined || this.#client.pipeline !== true || signal?.aborted === true) return false
    this.#committing = this.#commitNow(signal)
    // Whoever sends it asks for the answer later.
    this.#committing.catch(() => undefined)
    return true
  }

  /**
   * Commits. When this returns, the server has made the transaction durable. A signal that aborts meanwhile is given
   * a moment; then the connection, and with it the answer, is let go.
   *
   * @throws `StorageFailure`, with outcome `unknown` unless the server said that it did not commit.
   */
  async commit(signal?: AbortSignal): Promise<void> {
    const sent = this.#committing
    this.#committing = undefined
    return sent ?? this.#commitNow(signal)
  }

  async #commitNow(signal: AbortSignal | undefined): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost
    this.#transaction = undefined
    let timer: NodeJS.Timeout | undefined
    const hurry = (): void => {
      timer = setTimeout(() => this.destroy(), commitGraceMs)
    }
    signal?.addEventListener('abort', hurry, { once: true })
    try {
      const { command } = await this.#inTurn(() => this.#commit())
      if (command !== 'COMMIT') throw refusal('A statement of this transaction had failed: nothing was committed.')
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', hurry)
    }
  }

  /**
   * Undoes the transaction, if there is one. Statements still under way are not waited for: they, and the
   * transaction, end with the connection.
   */
  async rollback(): Promise<void> {
    if (this.#transaction === undefined) return
    this.#transaction = undefined
    if (this.#pending > 0) return this.destroy()
    await this.#inTurn(() => this.#ask({ text: 'rollback' })).catch(() => this.destroy())
  }

  run(statement: SqlStatement, parameters: readonly unknown[]): Promise<SqlResult> {
    return this.#run(statement, parameters, { prepared: this.#settings.preparedStatements })
  }

  async runRows(statement: SqlStatement, parameters: readonly unknown[]): Promise<readonly (readonly unknown[])[]> {
    const { preparedStatements: prepared } = this.#settings
    const { rows } = await this.#run(statement, parameters, { prepared, rowMode: 'array' })
    return rows as unknown as readonly (readonly unknown[])[]
  }

  /** As {@link Connection.run}, without leaving anything at the server: for statements that run once. */
  runOnce(statement: SqlStatement, parameters: readonly unknown[]): Promise<SqlResult> {
    return this.#run(statement, parameters, { prepared: false })
  }

  async runEach(statement: SqlStatement, lists: Iterable<readonly Value[]>): Promise<number> {
    let changes = 0
    for (const list of lists) changes += (await this.run(statement, list)).changes
    return changes
  }

  /** Lets the server take longer for its answers while `work` runs. */
  async within<T>(answerWithinMs: number, work: () => Promise<T>): Promise<T> {
    this.#watch.limitMs = answerWithinMs
    try {
      return await work()
    } finally {
      this.#watch.limitMs = this.#settings.answerWithinMs
    }
  }

  /** Gives the connection back to its pool, once nothing runs on it. */
  async release(): Promise<void> {
    if (!this.#released) await this.#tail
    if (this.#released) return
    this.#released = true
    this.#watch.stop()
    this.#client.removeListener('error', this.#onError)
    this.#client.release(this.#lost !== undefined)
  }

  /** Closes the connection. What runs on it fails; the server rolls back when it notices. */
  destroy(): void {
    this.#lost ??= lossOf(new Error('terminated'))
    this.#transaction = undefined
    this.#watch.stop()
    for (const abandon of this.#unanswered) abandon(new Error('terminated'))
    if (this.#released) return
    this.#released = true
    this.#client.release(true)
  }

  /** Sends nothing more. A server that goes on answers what it was sent, such as the commit. */
  #lose(error: Error): void {
    this.#lost ??= lossOf(error)
    if (!isRefusalOfServer(error)) this.destroy()
  }

  async #run({ sql: text }: SqlStatement, parameters: readonly unknown[], how: How): Promise<SqlResult> {
    const transaction = this.#transaction
    if (transaction === undefined) throw this.#lost ?? over()
    const { prepared, ...mode } = how
    const query = { text, values: parameters as unknown[], ...mode, ...(prepared ? { name: nameOf(text) } : {}) }
    const { rows, rowCount } = await this.#inTurn(() => {
      if (this.#transaction !== transaction) throw this.#lost ?? over()
      return this.#ask(query)
    })
    return { rows, changes: rowCount ?? 0 }
  }

  /** Asks when all before is answered, which a client that sends at once sees to itself. Others will not for much longer. */
  async #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const before = this.#tail
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#tail = promise
    if (this.#pending++ > 0 && this.#client.pipeline !== true) await before
    try {
      return await ask()
    } finally {
      this.#pending--
      resolve()
    }
  }

  async #ask(query: PostgresQuery): Promise<PostgresResult> {
    try {
      return await this.#answer(query)
    } catch (error) {
      if (isDamage(error)) this.#lose(error as Error)
      throw this.#blame.of(translate(error))
    }
  }

  /** A server that stops waiting for its standbys answers as if all were well, and only warns. */
  async #commit(): Promise<PostgresResult> {
    if (this.#lost !== undefined) throw this.#lost
    const warnings: string[] = []
    const heed = (notice: PostgresNotice): void => void (isDoubtful(notice) && warnings.push(notice.code ?? ''))
    this.#client.on('notice', heed)
    try {
      const answer = await this.#answer({ text: 'commit' })
      if (warnings[0] !== undefined) throw doubtOf(warnings[0])
      return answer
    } catch (error) {
      if (isDamage(error)) this.#lose(error as Error)
      throw translate(error, isRefusalOfServer(error) ? 'none' : 'unknown')
    } finally {
      this.#client.removeListener('notice', heed)
    }
  }

  /** Whatever becomes of the answer, nobody waits for it once the connection is gone. */
  async #answer(query: PostgresQuery): Promise<PostgresResult> {
    if (this.#lost !== undefined) throw this.#lost
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    if (this.#unanswered.push(reject) === 1) this.#watch.begin()
    try {
      this.#client.query({ ...query, types: valueTypes }).then(resolve, reject)
      return (await promise) as PostgresResult
    } finally {
      this.#unanswered.shift()
      if (this.#unanswered.length === 0) this.#watch.end()
      else this.#watch.begin()
    }
  }
}
