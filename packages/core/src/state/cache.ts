import { limits } from '../internal/defaults.ts'
import { Lru } from '../internal/lru.ts'
import type { Value } from '../storage/table.ts'
import { cacheKey, type Query } from './query.ts'

/** A row that a change touched: its table, and its primary key without the tenant. */
export interface Touched {
  /** The table. */
  readonly table: string
  /** The primary key, without the tenant. */
  readonly key: readonly Value[]
  /** The row's revision after it; 0 where it was removed. */
  readonly rev: number
}

/**
 * Answers that are true at one known revision. What may still be asked of it is either true at `revision` or not there:
 * {@link StateCache.advance} drops everything that the changes in between have touched.
 */
export class StateCache {
  readonly #answers = new Lru<string, { readonly answer: unknown }>(limits.cachedRows)
  #revision = 0

  /** The revision at which every answer in here is true. */
  get revision(): number {
    return this.#revision
  }

  /** The cached answer, boxed because `undefined` is one. */
  get<T>(query: Query<T>): { readonly answer: T } | undefined {
    return this.#answers.get(cacheKey(query.table, query.key)) as { readonly answer: T } | undefined
  }

  /** Keeps an answer that was true at `revision`, unless the cache has moved on. */
  put<T>(query: Query<T>, answer: T, revision: number): void {
    if (revision === this.#revision) this.#answers.set(cacheKey(query.table, query.key), { answer })
  }

  /** Moves to a later revision, given every row that the changes in between have touched. An earlier one is ignored. */
  advance(revision: number, touched: readonly Touched[]): void {
    if (revision <= this.#revision) return
    this.#revision = revision
    for (const { table, key } of touched) {
      for (let length = 1; length <= key.length; length++) this.#answers.delete(cacheKey(table, key.slice(0, length)))
    }
  }

  /** Moves to a later revision without knowing what changed: forgets everything. */
  restart(revision: number): void {
    if (revision <= this.#revision) return
    this.#revision = revision
    this.#answers.clear()
  }
}
