import { StorageUnavailableError, isKmsError } from '../errors.ts'
import type { StateCache } from '../state/cache.ts'
import { cacheKey, fetchAnswer, type Query } from '../state/query.ts'
import type { AuthenticReader } from '../state/tree/authentic-reader.ts'
import type { Trees } from '../state/tree/trees.ts'
import type { StateView } from '../state/view.ts'
import type { StorageAdapter } from '../storage/adapter.ts'
import { within, type Patience } from '../internal/patience.ts'
import { reasonOf, withReason } from '../internal/reason.ts'
import { catchUp } from './catch-up.ts'
import type { Head } from './head.ts'
import { UnknownEpochError, type HeadGuard, type Seen } from './head-guard.ts'

/**
 * The state as operations see it: from the cache, or from a snapshot whose head is checked and which brings the cache
 * along. What an operation read here is true at some revision between its beginning and now; the ledger asks again if
 * the state has moved by the time it is recorded.
 */
export class LiveView implements StateView {
  readonly #storage: StorageAdapter
  readonly #tenant: string
  readonly #cache: StateCache
  readonly #guard: HeadGuard
  readonly #patience: Patience
  readonly #trees: Trees
  readonly #learn: (() => Promise<void>) | undefined
  readonly #flights = new Map<string, Promise<unknown>>()

  constructor(parts: LiveViewParts) {
    this.#storage = parts.storage
    this.#tenant = parts.tenant
    this.#cache = parts.cache
    this.#guard = parts.guard
    this.#patience = parts.patience
    this.#trees = parts.trees
    this.#learn = parts.learn
  }

  read<T>(query: Query<T>): T | Promise<T> {
    const cached = this.#cache.get(query)
    return cached === undefined ? this.#fetch(query) : cached.answer
  }

  /** Reads what cannot be cached, from one snapshot whose head was checked, and every row of the state with it. @throws StorageUnavailableError */
  async snapshot<T>(read: (reader: AuthenticReader, head: Head) => Promise<T>): Promise<T> {
    try {
      return await this.#snapshot(read)
    } catch (error) {
      if (this.#learn === undefined || !(error instanceof UnknownEpochError)) throw error
      await this.#learn()
      return this.#snapshot(read)
    }
  }

  async #snapshot<T>(read: (reader: AuthenticReader, head: Head) => Promise<T>): Promise<T> {
    const floor = this.#guard.seen
    let answer: { readonly is: T } | undefined
    const work = this.#storage.snapshot(async (reader) => {
      const head = await this.#guard.read(reader, floor)
      // Seen before the cache learns of it: what this process has once known, no older snapshot takes back.
      this.#guard.saw(head)
      await catchUp(reader, this.#cache, head)
      answer = { is: await read(this.#trees.reader(reader, head.stateRoot), head) }
    })
    await within(this.#patience, storageErrors(work), late)
    if (answer === undefined) throw new StorageUnavailableError('the storage did not read')
    return (answer as { readonly is: T }).is
  }

  /** Remembers how far the log has come, by whoever says so. */
  saw(seen: Seen): void {
    this.#guard.saw(seen)
  }

  /** Callers that need the same answer at the same revision share one snapshot. */
  async #fetch<T>(query: Query<T>): Promise<T> {
    const name = `${this.#cache.revision}\0${cacheKey(query.table, query.key)}`
    const flying = this.#flights.get(name)
    if (flying !== undefined) return this.#joined(flying as Promise<T>, query)
    const flight = this.#load(query).finally(() => this.#flights.delete(name))
    this.#flights.set(name, flight)
    return flight
  }

  /** Whoever only came along asks for itself when the shared snapshot failed, unless there was no time for one. */
  async #joined<T>(flight: Promise<T>, query: Query<T>): Promise<T> {
    try {
      return await flight
    } catch (error) {
      if (isKmsError(error, 'STORAGE_UNAVAILABLE') && reasonOf(error) !== outOfTime) return this.#load(query)
      throw error
    }
  }

  async #load<T>(query: Query<T>): Promise<T> {
    return this.snapshot(async (reader, head) => {
      const answer = await fetchAnswer(reader, this.#tenant, query)
      // Kept only if the cache still stands where this snapshot does.
      this.#cache.put(query, answer, head.revision)
      return answer
    })
  }
}

/** What a live view works with. */
export interface LiveViewParts {
  readonly storage: StorageAdapter
  readonly tenant: string
  readonly cache: StateCache
  readonly guard: HeadGuard
  readonly patience: Patience
  readonly trees: Trees
  /** Takes over keyring epochs that others began. */
  readonly learn?: (() => Promise<void>) | undefined
}

const outOfTime = 'deadline'

/** The error of a storage that does not answer. */
export function late(): StorageUnavailableError {
  return withReason(new StorageUnavailableError('the storage did not answer before the deadline'), outOfTime)
}

/** What adapters throw becomes an error of ours. */
export async function storageErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (isKmsError(error)) throw error
    throw new StorageUnavailableError('the storage could not be read', { cause: error })
  }
}
