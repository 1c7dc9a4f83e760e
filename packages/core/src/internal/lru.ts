/**
 * A bounded map that forgets what was not used lately. It keeps two generations: what is used lives in the young one;
 * when that is full it becomes the old one, and the one before it is forgotten. So a hit costs one lookup.
 */
export class Lru<K, V> {
  readonly #half: number
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  /** Keeps at least half of `limit` entries, and never more than all of it. */
  constructor(limit: number) {
    this.#half = Math.max(1, Math.floor(limit / 2))
  }

  /** The value, which thereby counts as used. */
  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  /** Adds or replaces. */
  set(key: K, value: V): void {
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  /** Forgets one. */
  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  /** Forgets all. */
  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
