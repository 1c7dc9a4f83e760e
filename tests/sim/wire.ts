import type {
  Range,
  Row,
  StorageAdapter,
  StorageReader,
  StorageTransaction,
  TableDescriptor,
  TransactOptions,
  Value,
} from '@chatelaine/core/storage'
import type { TransactionFate, Weather } from './weather.ts'
import type { Life, World } from './world.ts'

/** What a process is connected by. */
export interface WireParts {
  readonly world: World
  readonly weather: Weather
  readonly life: Life
  readonly storage: StorageAdapter
  /** Kills the process. */
  readonly crash: () => void
}

interface Commit<T> {
  readonly fate: TransactionFate
  readonly answer: PromiseWithResolvers<T>
  readonly stop: AbortController
  readonly signal: AbortSignal | undefined
  /** Whether it is out of the caller's hands. */
  isAway: boolean
  /** Whether the last word was said. */
  isAhead: boolean
  /** What was asked for, as the storage answers it. */
  readonly asked: Promise<unknown>[]
}

/** Nothing that waits is kept by it: one promise for all would keep every life that there ever was. */
const never = async (): Promise<never> => new Promise(() => undefined)

/** The storage as one process reaches it: over a wire on which time passes, and in all weathers. */
export class Wire implements StorageAdapter {
  readonly name = 'wire'
  readonly #parts: WireParts

  constructor(parts: WireParts) {
    this.#parts = parts
  }

  async open(tables: readonly TableDescriptor[]): Promise<{ readonly exists: boolean }> {
    return this.#call('open', async () => this.#parts.storage.open(tables))
  }

  async migrate(): Promise<void> {
    await this.#pass('migrate')
    return this.#parts.storage.migrate()
  }

  async close(): Promise<void> {
    await this.#pass('close')
  }

  async snapshot<T>(read: (view: StorageReader) => Promise<T>): Promise<T> {
    return this.#call('snapshot', async () => this.#parts.storage.snapshot(async (view) => read(this.#reader(view))))
  }

  async transact<T>(
    tenant: string,
    write: (tx: StorageTransaction) => Promise<T>,
    { signal }: TransactOptions = {},
  ): Promise<T> {
    const { weather, life, storage } = this.#parts
    const fate = weather.transaction()
    await this.#pass(`transact ${fate}`)
    if (fate === 'refused') throw weather.failure()
    const stop = new AbortController()
    const commit: Commit<T> = {
      fate,
      stop,
      signal,
      answer: Promise.withResolvers<T>(),
      isAway: false,
      isAhead: false,
      asked: [],
    }
    const abort = (): void => {
      if (!commit.isAway) stop.abort(signal?.reason)
    }
    signal?.addEventListener('abort', abort)
    if (signal?.aborted === true) abort()
    life.onEnd(abort)
    const run = async (tx: StorageTransaction): Promise<T> => {
      const result = await write(this.#transaction(tx, commit)).catch(async (error: unknown) => {
        if (!commit.isAhead) throw error
        await this.#ahead(commit)
        return undefined as T
      })
      if (commit.isAhead) return result
      await this.#pass('commit')
      await this.#commit(commit)
      return result
    }
    const running = storage.transact(tenant, run, { signal: stop.signal })
    void this.#answer(running, commit).finally(() => signal?.removeEventListener('abort', abort))
    return commit.answer.promise
  }

  /** The way of a commit that goes along with what was asked for last, of which nothing is heard any more. */
  async #ahead<T>(commit: Commit<T>): Promise<void> {
    const { world, weather } = this.#parts
    commit.isAway = true
    this.#fail(commit, weather.doubt())
    const answers = await Promise.allSettled(commit.asked)
    await world.wait(world.outside, world.upTo(world.chance(0.2) ? 4000 : 400))
    if (answers.some(({ status }) => status === 'rejected') || world.chance(0.5)) throw weather.doubt()
  }

  /** The way of a commit to the storage. */
  async #commit<T>(commit: Commit<T>): Promise<void> {
    const { world, weather } = this.#parts
    const { fate, signal } = commit
    if (fate === 'lost') throw weather.doubt()
    if (fate === 'stalled') await never()
    if (fate !== 'in-flight' && fate !== 'straggling') return
    commit.isAway = true
    if (fate === 'in-flight') this.#fail(commit, weather.doubt())
    else await this.#givenUp(signal)
    // The disk takes its time, whatever becomes of whoever asked.
    await world.wait(world.outside, world.upTo(world.chance(0.2) ? 4000 : 400))
    if (world.chance(0.5)) throw weather.doubt()
  }

  /** The way of the answer back. */
  async #answer<T>(running: Promise<T>, commit: Commit<T>): Promise<void> {
    const { weather, life } = this.#parts
    try {
      const result = await running
      if (life.isOver) return
      if (commit.fate === 'silent') await this.#givenUp(commit.signal)
      await this.#pass('committed')
      if (['applied', 'silent', 'straggling'].includes(commit.fate)) this.#fail(commit, weather.doubt())
      else commit.answer.resolve(result)
    } catch (error) {
      this.#fail(commit, error)
    }
  }

  /** Nobody hears an answer in a process that is gone. */
  #fail<T>({ answer }: Commit<T>, error: unknown): void {
    if (!this.#parts.life.isOver) answer.reject(error)
  }

  /** Resolves when the caller has given up; soon, if it cannot. */
  async #givenUp(signal: AbortSignal | undefined): Promise<void> {
    const { world } = this.#parts
    if (signal === undefined) return world.wait(world.outside, 50)
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => resolve(), { once: true })
    this.#parts.life.onEnd(resolve)
    await promise
  }

  #reader(view: StorageReader): StorageReader {
    return {
      get: async (table: string, key: readonly Value[]) => this.#call('get', async () => view.get(table, key)),
      range: async (table: string, range: Range) => this.#call('range', async () => view.range(table, range)),
    }
  }

  #transaction<T>(tx: StorageTransaction, commit: Commit<T>): StorageTransaction {
    const last = (): void => {
      commit.isAhead = commit.fate === 'ahead'
    }
    return {
      ...this.#reader(tx),
      insert: async (table, row) => this.#call('insert', async () => tx.insert(table, row)),
      replace: async (table, row, rev) => this.#call('replace', async () => tx.replace(table, row, rev)),
      remove: async (table, key, rev) => this.#call('remove', async () => tx.remove(table, key, rev)),
      append: async (table, rows: readonly Row[]) => this.#appended(commit, async () => tx.append(table, rows)),
      last,
      savepoint: async <T>(step: () => Promise<T>) => this.#call('savepoint', async () => tx.savepoint(step)),
    }
  }

  /** Once the last word is said the answers may be lost, with the connection. */
  async #appended<T>(commit: Commit<T>, work: () => Promise<void>): Promise<void> {
    const { weather } = this.#parts
    const answer = this.#call('append', work)
    commit.asked.push(answer)
    await answer
    if (commit.isAhead) throw weather.doubt()
  }

  async #call<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { weather } = this.#parts
    const fate = weather.call()
    await this.#pass(`${name} ${fate}`)
    if (fate === 'hang') return never()
    if (fate === 'before') throw weather.failure()
    const result = await work()
    if (fate === 'after') throw weather.failure()
    return result
  }

  /** A message on its way: others get their turn, time may pass, and the process may be gone before it arrives. */
  async #pass(label: string): Promise<void> {
    const { world, weather, life, crash } = this.#parts
    return new Promise((resolve) => {
      const arrive = (): void => (weather.crash() ? crash() : resolve())
      const delayMs = weather.delayMs()
      if (delayMs === 0) world.soon(life, label, arrive)
      else world.after(life, { delayMs, label }, arrive)
    })
  }
}
