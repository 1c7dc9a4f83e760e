import { hmacSha256, type SecretKey } from '../crypto/secret-key.ts'
import { limits } from '../internal/defaults.ts'
import { Lru } from '../internal/lru.ts'
import type { EncodedContext } from '../stages.ts'

/** Longer pairs are hashed every time, so that the memory of what is kept has a bound. */
const maxKeptLength = 256

/**
 * Keyed hashes that stand in records for identifying values: who holds the secret can look a value up by computing its
 * hash again; nobody else learns it. They are pseudonyms, not erasure.
 */
export class Pseudonyms {
  readonly #secret: SecretKey
  readonly #known = new Lru<string, string>(limits.cachedPseudonyms)

  constructor(secret: SecretKey) {
    this.#secret = secret
  }

  /** One hash of 16 bytes, in hex, for each pair of an encryption context. */
  ofContext(context: EncodedContext): readonly string[] {
    return context.pairs.map((pair) => this.#of(JSON.stringify(pair)))
  }

  #of(text: string): string {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const made = hmacSha256(this.#secret, 'context\0', text).toString('hex', 0, 16)
    if (text.length <= maxKeptLength) this.#known.set(text, made)
    return made
  }
}
