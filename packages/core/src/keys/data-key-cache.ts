import { copyBytes, wipe } from '../internal/bytes.ts'
import type { Clock } from '../internal/clock.ts'
import { limits } from '../internal/defaults.ts'

/** A data key with its sealed form. */
export interface CachedDataKey {
  readonly plaintext: Buffer
  readonly ciphertext: Buffer
  readonly keyId: string
  readonly keyVersion: number
}

/** How long a data key may be used again, and what a call is going to do with it. */
export interface CacheTerms {
  readonly maxAgeMs: number
  readonly maxMessages: number
  readonly maxBytes: number
  readonly bytes: number
}

/** What a call has to begin with. */
export interface Lease {
  /** A copy of what is there. Whoever asked for it wipes it. */
  readonly dataKey: CachedDataKey | undefined
  /** Said when the call has its data key, or failed: others of the scope wait for a first one to be made. */
  readonly done: () => void
}

interface Entry extends CachedDataKey {
  readonly madeAt: number
  readonly endsAt: number
  messages: number
  bytes: number
}

/**
 * Data keys that are used again, one for each scope, at most 1,000 scopes: the least recently used goes first. They hold
 * no authority, so nothing is decided by what is in here. Bytes are wiped when they leave; what is too old leaves at the
 * next call of anybody.
 */
export class DataKeyCache {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #making = new Map<string, Promise<void>>()
  #nextEnd = Infinity
  #isClosed = false
  #hits = 0
  #misses = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many there are, how many calls found one, and how many did not. */
  get counts(): { readonly cached: number; readonly hits: number; readonly misses: number } {
    return { cached: this.#entries.size, hits: this.#hits, misses: this.#misses }
  }

  /**
   * What there is for a call, counted as used; nothing, where it has to be made; or what to wait for before asking again,
   * since somebody makes it already.
   */
  lease(scope: string, terms: CacheTerms): Lease | Promise<void> {
    this.#expire()
    const entry = this.#entries.get(scope)
    if (entry !== undefined && this.#serves(entry, terms))
      return { dataKey: this.#use(scope, entry, terms), done: nothing }
    if (!isKept(terms)) return { dataKey: undefined, done: nothing }
    const making = this.#making.get(scope)
    if (making !== undefined) return making
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#making.set(scope, promise)
    const done = (): void => {
      this.#making.delete(scope)
      resolve()
    }
    return { dataKey: undefined, done }
  }

  /** Counts a call that was given what there was. */
  hit(): void {
    this.#hits += 1
  }

  /** Counts a call for which a data key was made and recorded, and keeps a copy of that in place of the one before. */
  admit(scope: string, made: CachedDataKey, terms: CacheTerms): void {
    this.#misses += 1
    if (this.#isClosed || !isKept(terms)) return
    this.forget(scope)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= limits.cachedDataKeys && oldest !== undefined) this.forget(oldest)
    const { keyId, keyVersion } = made
    const copies = { plaintext: copyBytes(made.plaintext), ciphertext: copyBytes(made.ciphertext) }
    const madeAt = this.#clock.monotonic()
    const endsAt = madeAt + terms.maxAgeMs
    this.#entries.set(scope, { ...copies, keyId, keyVersion, madeAt, endsAt, messages: 1, bytes: terms.bytes })
    this.#nextEnd = Math.min(this.#nextEnd, endsAt)
  }

  /** Wipes what there is for a scope. */
  forget(scope: string): void {
    const entry = this.#entries.get(scope)
    if (entry === undefined) return
    wipe(entry.plaintext)
    this.#entries.delete(scope)
  }

  /** Wipes everything, and keeps nothing any more. */
  close(): void {
    this.#isClosed = true
    for (const scope of this.#entries.keys()) this.forget(scope)
  }

  #serves(entry: Entry, terms: CacheTerms): boolean {
    const age = this.#clock.monotonic() - entry.madeAt
    if (age >= terms.maxAgeMs || entry.messages >= terms.maxMessages) return false
    return entry.bytes + terms.bytes <= terms.maxBytes
  }

  #use(scope: string, entry: Entry, terms: CacheTerms): CachedDataKey {
    entry.messages += 1
    entry.bytes += terms.bytes
    this.#entries.delete(scope)
    this.#entries.set(scope, entry)
    const { keyId, keyVersion } = entry
    return { plaintext: copyBytes(entry.plaintext), ciphertext: copyBytes(entry.ciphertext), keyId, keyVersion }
  }

  #expire(): void {
    const now = this.#clock.monotonic()
    if (now < this.#nextEnd) return
    for (const [scope, { endsAt }] of this.#entries) if (now >= endsAt) this.forget(scope)
    this.#nextEnd = Math.min(...[...this.#entries.values()].map(({ endsAt }) => endsAt))
  }
}

/** Whether a data key that is made for a call may serve another one. */
function isKept({ maxMessages, maxBytes, bytes }: CacheTerms): boolean {
  return maxMessages > 1 && bytes < maxBytes
}

function nothing(): void {}
