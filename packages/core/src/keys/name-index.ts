import { hmacSha256, type SecretKey } from '../crypto/secret-key.ts'

/** What a keyed hash stands for: the same text stands for something else in another room. */
export type NameRoom = 'data-key' | 'data-key-context' | 'repeat' | 'repeated-request'

/**
 * Keyed hashes by which rows are found whose names are not to be read from the database. They are the same for the same
 * name as long as the secret `name-index` is, and say nothing to whoever does not hold it.
 *
 * ```text
 * base64url(HMAC-SHA-256(name-index, room ‖ 00 ‖ text))       43 characters
 * ```
 */
export class NameIndex {
  readonly #secret: SecretKey

  constructor(secret: SecretKey) {
    this.#secret = secret
  }

  /** The hash of a text in a room. */
  of(room: NameRoom, ...text: readonly (string | Uint8Array)[]): string {
    return hmacSha256(this.#secret, room, '\0', ...text).toString('base64url')
  }
}
