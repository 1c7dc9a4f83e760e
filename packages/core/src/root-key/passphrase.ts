import { hasArgon2id, stretch, type Stretching } from '../crypto/passphrase.ts'
import { randomBytesOf, systemRandomness } from '../crypto/randomness.ts'
import { secretKey, type SecretKey } from '../crypto/secret-key.ts'
import { InvalidRequestError, RootKeyMismatchError } from '../errors.ts'
import { asBuffer, copyBytes, utf8, wipe } from '../internal/bytes.ts'
import { Lru } from '../internal/lru.ts'
import type { RootKey, RootKeyContext, RootKeyDescription } from './root-key.ts'
import { openUnder, sealUnder } from './sealing.ts'
import { defaultStretching, headBytes, headOf, isReasonable, readHead, stretchSaltBytes } from './stretching.ts'

/** How a passphrase becomes a root key. */
export interface PassphraseRootKeyOptions {
  /** Names the passphrase: another one gets another name. 1 to 64 of `A-Z a-z 0-9 _ . -`. @defaultValue 'default' */
  readonly name?: string | undefined
  /**
   * What makes guessing slow, for what is wrapped from now on; what was wrapped says for itself how. Memory is 16 MiB to
   * 1 GiB. @defaultValue Argon2id with 64 MiB and 3 passes where Node has it (24.7), scrypt with N = 2^17, r = 8 elsewhere
   */
  readonly stretching?: Stretching | undefined
}

const leastCharacters = 12

/**
 * A root key made of a passphrase. It is never hashed as it is: scrypt or Argon2id makes guessing slow, with a random
 * salt, and both salt and parameters stand in what it wraps. Prefer 32 random bytes: a passphrase that people can
 * remember is what an attacker with the database guesses at.
 *
 * @param passphrase - at least 12 characters. Normalized (NFC), so that it is the same however it was typed.
 * @throws InvalidRequestError for a short passphrase, or parameters that are too weak or too hard
 * @example
 * ```ts
 * import { passphraseRootKey } from '@chatelaine/core'
 *
 * const rootKey = passphraseRootKey('seven words that nobody has ever put together', { name: '2026' })
 * ```
 */
export function passphraseRootKey(passphrase: string, options: PassphraseRootKeyOptions = {}): RootKey {
  if (typeof passphrase !== 'string' || Array.from(passphrase).length < leastCharacters) {
    throw new InvalidRequestError(`a passphrase has at least ${leastCharacters} characters`)
  }
  const { name = 'default', stretching = strongest() } = options
  if (!/^[A-Za-z0-9_.-]{1,64}$/u.test(name)) throw new InvalidRequestError('the name of a passphrase is not valid')
  if (!isReasonable(stretching)) {
    throw new InvalidRequestError('the parameters of the passphrase are too weak, or take too much memory or time')
  }
  return new PassphraseRootKey(secretKey(utf8(passphrase.normalize('NFC'))), { name, stretching: { ...stretching } })
}

function strongest(): Stretching {
  return hasArgon2id() ? defaultStretching.argon2id : defaultStretching.scrypt
}

interface Settled {
  readonly name: string
  readonly stretching: Stretching
}

/** Each instance wraps with one salt, so that many tenants cost one stretching and not one each. */
class PassphraseRootKey implements RootKey {
  readonly #passphrase: SecretKey
  readonly #settled: Settled
  readonly #head: Buffer
  /** Stretched keys by their heads: a few salts, made by a few processes. */
  readonly #keys = new Lru<string, Promise<SecretKey>>(16)

  constructor(passphrase: SecretKey, settled: Settled) {
    this.#passphrase = passphrase
    this.#settled = settled
    this.#head = headOf(settled.stretching, randomBytesOf(systemRandomness, stretchSaltBytes))
  }

  async describe(): Promise<RootKeyDescription> {
    return { id: `passphrase:${this.#settled.name}` }
  }

  async wrap(keyringKey: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
    const copy = copyBytes(keyringKey)
    try {
      const secret = await this.#keyOf(this.#head)
      return Buffer.concat([this.#head, sealUnder(secret, copy, { ...context, head: this.#head })])
    } finally {
      wipe(copy)
    }
  }

  async unwrap(wrapped: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
    const bytes = Buffer.from(asBuffer(wrapped))
    const head = bytes.subarray(0, headBytes)
    if (readHead(bytes) === undefined) throw new RootKeyMismatchError('no passphrase of ours wrapped this')
    return openUnder(await this.#keyOf(head), bytes.subarray(headBytes), { ...context, head })
  }

  async #keyOf(head: Buffer): Promise<SecretKey> {
    const name = head.toString('base64')
    const known = this.#keys.get(name)
    if (known !== undefined) return known
    const { how, salt } = readHead(Buffer.concat([head, Buffer.alloc(1)])) as NonNullable<ReturnType<typeof readHead>>
    const made = stretch(this.#passphrase, salt, how)
    this.#keys.set(name, made)
    made.catch(() => this.#keys.delete(name))
    return made
  }
}
