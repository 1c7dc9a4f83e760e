/** A cache that forgets what it has known longest when it is full. */
export class BoundedMap<Key, Entry> {
  readonly #entries = new Map<Key, Entry>()
  readonly #capacity: number

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** The entry of this key, made when there is none. */
  obtain(key: Key, make: () => Entry): Entry {
    const known = this.#entries.get(key)
    if (known !== undefined) return known
    const made = make()
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < this.#capacity) break
      this.#entries.delete(oldest)
    }
    this.#entries.set(key, made)
    return made
  }
}
