import { randomBytesOf, systemRandomness } from '../crypto/randomness.ts'
import { expandSha512, secretKey, type SecretKey } from '../crypto/secret-key.ts'
import { RootKeyMissingError } from '../errors.ts'
import { wipe } from '../internal/bytes.ts'
import { howToMakeOne, readKey } from './key-text.ts'
import type { RootKey, RootKeyContext, RootKeyDescription } from './root-key.ts'
import { openUnder, sealUnder } from './sealing.ts'

const keyBytes = 32

/**
 * A root key held by the application itself.
 *
 * @param key - 32 bytes, or a text of them in base64, base64url or hex. Nothing else is hashed into shape.
 * @throws InvalidRequestError for a wrong length, an ambiguous text, or bytes that are all equal.
 * @example
 * ```ts
 * import { generateRootKey, localRootKey } from '@chatelaine/core'
 *
 * const rootKey = localRootKey(generateRootKey())
 * ```
 */
export function localRootKey(key: Uint8Array | string): RootKey {
  return new LocalRootKey(readKey(key))
}

/**
 * A root key in an environment variable, in base64, base64url or hex. The variable is read when the KMS is created,
 * and again for every tenant that is opened. A child process inherits it, unless it is started with another `env`.
 *
 * @param name - name of the variable, such as `KMS_ROOT_KEY`. When it is missing or empty, `createKms` throws
 *   `ROOT_KEY_MISSING`, and says how to make one.
 * @example
 * ```ts
 * import { envRootKey } from '@chatelaine/core'
 *
 * const rootKey = envRootKey('KMS_ROOT_KEY')
 * ```
 */
export function envRootKey(name: string): RootKey {
  return loadedRootKey(async () => {
    const value = process.env[name]
    if (value !== undefined && value !== '') return readKey(value)
    throw new RootKeyMissingError(`the variable ${name} is not set. ${howToMakeOne}`)
  })
}

/** A root key that is read anew whenever it is asked, and kept nowhere. */
export function loadedRootKey(read: () => Promise<Buffer>): RootKey {
  const load = async (): Promise<LocalRootKey> => new LocalRootKey(await read())
  return {
    describe: async () => (await load()).describe(),
    wrap: async (keyringKey, context) => (await load()).wrap(keyringKey, context),
    unwrap: async (wrapped, context) => (await load()).unwrap(wrapped, context),
  }
}

/** A new random root key, in base64. It is the one secret that must be kept outside: print it once, and store it well. */
export function generateRootKey(): string {
  const bytes = randomBytesOf(systemRandomness, keyBytes)
  const text = bytes.toString('base64')
  wipe(bytes)
  return text
}

/** Wraps under a key of its own, which names itself by a fingerprint. */
class LocalRootKey implements RootKey {
  readonly #secret: SecretKey
  readonly #id: string

  constructor(bytes: Buffer) {
    this.#secret = secretKey(bytes)
    const fingerprint = expandSha512(this.#secret, Buffer.from('chatelaine/root-key/id', 'latin1'), 8)
    this.#id = `local:${fingerprint.toString('hex')}`
  }

  async describe(): Promise<RootKeyDescription> {
    return { id: this.#id }
  }

  async wrap(keyringKey: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
    return sealUnder(this.#secret, keyringKey, context)
  }

  async unwrap(wrapped: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
    return openUnder(this.#secret, wrapped, context)
  }
}
