import { openSmall, saltBytes, sealSmall } from '../crypto/chunked-encryption.ts'
import { randomBytesOf, systemRandomness } from '../crypto/randomness.ts'
import { expandSha512, secretKey, type SecretKey } from '../crypto/secret-key.ts'
import { InvalidRequestError, RootKeyMismatchError, RootKeyMissingError } from '../errors.ts'
import { copyBytes, isBytes, wipe } from '../internal/bytes.ts'
import { jcs } from '../internal/jcs.ts'
import type { RootKey, RootKeyContext } from './root-key.ts'

const keyBytes = 32
const help = 'Make one with `openssl rand -base64 32`, keep it safe, and never lose it: without it the data is gone.'

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
 * and again for every tenant that is opened.
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
  const load = (): LocalRootKey => {
    const value = process.env[name]
    if (value === undefined || value === '') throw new RootKeyMissingError(`the variable ${name} is not set. ${help}`)
    return new LocalRootKey(readKey(value))
  }
  return {
    id: async () => load().id(),
    wrap: async (keyringKey, context) => load().wrap(keyringKey, context),
    unwrap: async (wrapped, context) => load().unwrap(wrapped, context),
  }
}

/** A new random root key, in base64. It is the one secret that must be kept outside: print it once, and store it well. */
export function generateRootKey(): string {
  const bytes = randomBytesOf(systemRandomness, keyBytes)
  const text = bytes.toString('base64')
  wipe(bytes)
  return text
}

/** Wraps by chunked encryption under the root key: `salt ‖ commitment ‖ chunks`, context = label ‖ JCS(context). */
class LocalRootKey implements RootKey {
  readonly #secret: SecretKey
  readonly #id: string

  constructor(bytes: Buffer) {
    this.#secret = secretKey(bytes)
    const fingerprint = expandSha512(this.#secret, Buffer.from('chatelaine/root-key/id', 'latin1'), 8)
    this.#id = `local:${fingerprint.toString('hex')}`
  }

  async id(): Promise<string> {
    return this.#id
  }

  async wrap(keyringKey: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
    const salt = randomBytesOf(systemRandomness, saltBytes)
    return sealSmall(this.#secret, contextBytes(context), { salt, plaintext: keyringKey })
  }

  async unwrap(wrapped: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
    const opened = openSmall(this.#secret, contextBytes(context), wrapped)
    if (opened === undefined) throw new RootKeyMismatchError('the root key does not open the keyring of this storage')
    return opened
  }
}

function contextBytes({ tenant, epoch, purpose }: RootKeyContext): Buffer {
  return Buffer.from(`chatelaine/root-key/v1\0${jcs({ epoch, purpose, tenant })}`, 'utf8')
}

function readKey(key: Uint8Array | string): Buffer {
  if (typeof key !== 'string' && !isBytes(key)) refuse('it is neither a Uint8Array nor a string')
  const bytes = typeof key === 'string' ? decode(key) : copyBytes(key)
  if (bytes.length !== keyBytes) refuse(`a root key has ${keyBytes} bytes, this one has ${bytes.length}`)
  if (bytes.every((byte) => byte === bytes[0])) refuse('its bytes are all equal')
  return bytes
}

/** 64 hex digits, or 32 bytes of base64 or base64url: the lengths differ, so that no text can be read in two ways. */
function decode(text: string): Buffer {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex')
  const isBase64 = /^[A-Za-z0-9+/]{43}=?$/.test(text) || /^[A-Za-z0-9_-]{43}=?$/.test(text)
  const bytes = isBase64 ? Buffer.from(text, 'base64url') : undefined
  const canonical = bytes?.toString('base64url') === text.replace('=', '').replaceAll('+', '-').replaceAll('/', '_')
  if (bytes === undefined || !canonical) refuse('the text is not 32 bytes in base64, base64url or hex')
  return bytes
}

function refuse(why: string): never {
  throw new InvalidRequestError(`the root key is not usable: ${why}. ${help}`)
}
