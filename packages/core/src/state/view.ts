import type { Query } from './query.ts'
import { fetchAnswer } from './query.ts'
import type { StateCache } from './cache.ts'
import type { StorageReader } from '../storage/adapter.ts'

/** The state as somebody sees it who is about to decide. */
export interface StateView {
  /** The answer, at once where it is cached. */
  read<T>(query: Query<T>): T | Promise<T>
}

/** The state inside a transaction, at exactly the revision that the cache knows or newer: what was cached is used. */
export class TransactionView implements StateView {
  readonly #reader: StorageReader
  readonly #tenant: string
  readonly #cache: StateCache | undefined

  /** Without a cache every question goes to the transaction, which sees its own writes. */
  constructor(reader: StorageReader, tenant: string, cache?: StateCache) {
    this.#reader = reader
    this.#tenant = tenant
    this.#cache = cache
  }

  async read<T>(query: Query<T>): Promise<T> {
    const cached = this.#cache?.get(query)
    if (cached !== undefined) return cached.answer
    const revision = this.#cache?.revision ?? 0
    const answer = await fetchAnswer(this.#reader, this.#tenant, query)
    this.#cache?.put(query, answer, revision)
    return answer
  }
}
