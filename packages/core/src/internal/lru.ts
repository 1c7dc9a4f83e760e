/** A bounded map that forgets what was used least recently. */
export class Lru<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The value, which thereby counts as used. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  /** Adds or replaces, and forgets the oldest beyond the limit. */
  set(key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#limit) return
    const oldest = this.#entries.keys().next()
    if (oldest.done !== true) this.#entries.delete(oldest.value)
  }

  /** Forgets one. */
  delete(key: K): void {
    this.#entries.delete(key)
  }

  /** Forgets all. */
  clear(): void {
    this.#entries.clear()
  }
}
