import { hmacSha256, type SecretKey } from '../crypto/secret-key.ts'
import { limits } from '../internal/defaults.ts'
import { Lru } from '../internal/lru.ts'
import type { EncodedContext } from '../stages.ts'

/** Longer pairs are hashed even where their key is one that records may show. */
const maxShownLength = 128

/** Longer pairs are hashed every time, so that the memory of what is kept has a bound. */
const maxKeptLength = 256

/**
 * Keyed hashes that stand in records for identifying values: who holds the secret can look a value up by computing its
 * hash again; nobody else learns it. They are pseudonyms, not erasure.
 */
export class Pseudonyms {
  readonly #secret: SecretKey
  readonly #shown: ReadonlySet<string>
  readonly #known = new Lru<string, string>(limits.cachedPseudonyms)

  /** @param shown - keys of encryption contexts whose pairs records show as they are */
  constructor(secret: SecretKey, shown: readonly string[] = []) {
    this.#secret = secret
    this.#shown = new Set(shown)
  }

  /** One hash of 16 bytes, in hex, for each pair of an encryption context; `key=value` for one that may be shown. */
  ofContext(context: EncodedContext): readonly string[] {
    return context.pairs.map((pair) => {
      const isShown = this.#shown.size > 0 && this.#shown.has(pair[0]) && shownForm(pair).length <= maxShownLength
      return isShown ? shownForm(pair) : this.#ofPair(pair)
    })
  }

  /** How each pair may stand in records, whatever was shown at the time: by its hash, and as it is. */
  formsOf(context: EncodedContext): readonly (readonly string[])[] {
    return context.pairs.map((pair) => [this.#ofPair(pair), shownForm(pair)])
  }

  /** A hash of something else that identifies somebody, with a sign before it that no principal's id begins with. */
  ofName(kind: NamedKind, value: string): string {
    return `~${this.#of(value, kind)}`
  }

  /** How it may stand in records, whatever was shown at the time. */
  formsOfName(kind: NamedKind, value: string): readonly string[] {
    return [value, this.ofName(kind, value)]
  }

  #of(text: string, kind: NamedKind): string {
    const name = `${kind}\0${text}`
    return this.#known.get(name) ?? this.#make(name, kind, text)
  }

  /** What is hashed of a pair is its JSON; it is remembered by what takes less time to write. */
  #ofPair(pair: readonly [string, string]): string {
    const name = `${pair[0].length}:${pair[0]}${pair[1]}`
    return this.#known.get(name) ?? this.#make(name, 'context', JSON.stringify(pair))
  }

  #make(name: string, kind: NamedKind | 'context', text: string): string {
    const made = hmacSha256(this.#secret, `${kind}\0`, text).toString('hex', 0, 16)
    if (text.length <= maxKeptLength) this.#known.set(name, made)
    return made
  }
}

/** What is hashed besides pairs of contexts. */
export type NamedKind = 'actor' | 'owner' | 'reason'

/** A hash has no equals sign, so that nothing that is shown is taken for one. */
function shownForm([key, value]: readonly [string, string]): string {
  return `${key}=${value}`
}
