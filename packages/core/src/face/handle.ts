import { InvalidRequestError } from '../errors.ts'
import { decryptMany, type DecryptManyResult } from '../operations/decrypt-many.ts'
import { decrypt } from '../operations/decrypt.ts'
import { decryptDataKey } from '../operations/decrypt-data-key.ts'
import { describeKey } from '../operations/describe-key.ts'
import { disableKey } from '../operations/disable-key.ts'
import { enableKey } from '../operations/enable-key.ts'
import { encryptMany, type EncryptManyResult } from '../operations/encrypt-many.ts'
import { encrypt } from '../operations/encrypt.ts'
import { generateDataKey } from '../operations/generate-data-key.ts'
import { reEncryptMany, type ReEncryptManyResult } from '../operations/re-encrypt-many.ts'
import { reEncrypt } from '../operations/re-encrypt.ts'
import { rotateKey } from '../operations/rotate-key.ts'
import type { GenerateDataKeyRequest, GenerateDataKeyResult } from '../operations/shared/data-keys.ts'
import { keyReference, name as nameSchema, type Ciphertext, type Plaintext } from '../operations/shared/fields.ts'
import type { KeyDescription } from '../operations/shared/keys.ts'
import type { DecryptRequest, DecryptResult, EncryptRequest, EncryptResult } from '../operations/shared/messages.ts'
import type { ReEncryptRequest, ReEncryptResult } from '../operations/shared/messages.ts'
import type { CallOptions } from '../call.ts'
import type { KeySpec, KeyUsage } from '../state/rows.ts'
import { decodeJson, decodeText, encodeJson, requireObject } from './text.ts'
import type { Run } from './run.ts'

const usages: readonly KeyUsage[] = ['ENCRYPT_DECRYPT']

/** Options of a handle's `encrypt`. */
export type EncryptOptions = Omit<EncryptRequest, 'key' | 'plaintext'> & CallOptions

/** Options of a handle's `decrypt`. */
export type DecryptOptions = Omit<DecryptRequest, 'key' | 'ciphertext'> & CallOptions

/** Options of a handle's `reEncrypt`. */
export type ReEncryptOptions = Omit<ReEncryptRequest, 'key' | 'ciphertext'> & CallOptions

/** Which key a handle is of. */
export interface KeyIdentity {
  /** What operations call it: id or name. */
  readonly reference: string
  /** What it is for. */
  readonly usage: KeyUsage
  /** Its id, where known. */
  readonly id?: string | undefined
  /** Its name, where known. */
  readonly name?: string | undefined
  /** What it is, where known. */
  readonly spec?: KeySpec | undefined
}

/**
 * A key to work with: its identity and the verbs of its usage, never a snapshot of its state. Whatever a method throws
 * is a {@link KmsError}.
 *
 * @example
 * ```ts
 * import type { Kms } from '@chatelaine/core'
 *
 * const store = async (kms: Kms, iban: string): Promise<string> => kms.key('customers').encryptText(iban)
 * ```
 */
export class KeyHandle {
  readonly #run: Run
  readonly #reference: string
  /** Its name, where it has one. */
  readonly name: string | undefined
  /** What it is for. */
  readonly usage: KeyUsage
  /** Its id, once known. */
  readonly id: string | undefined
  /** What it is, once known. */
  readonly spec: KeySpec | undefined

  /** @internal */
  constructor(run: Run, identity: KeyIdentity) {
    this.#run = run
    this.#reference = identity.reference
    this.name = identity.name
    this.usage = identity.usage
    this.id = identity.id
    this.spec = identity.spec
  }

  /** Encrypts bytes, or the UTF-8 bytes of a string. @throws AccessDeniedError, InvalidKeyStateError */
  async encrypt(plaintext: Plaintext, options: EncryptOptions = {}): Promise<EncryptResult> {
    const [call, fields] = split(options)
    return this.#run(encrypt, { ...fields, key: this.#reference, plaintext }, call)
  }

  /** Decrypts a message of this key. @throws InvalidCiphertextError, AccessDeniedError, InvalidKeyStateError */
  async decrypt(ciphertext: Ciphertext, options: DecryptOptions = {}): Promise<DecryptResult> {
    const [call, fields] = split(options)
    return this.#run(decrypt, { ...fields, key: this.#reference, ciphertext }, call)
  }

  /**
   * Puts a message, of this or another key, under the current version of this one; its plaintext is not shown.
   *
   * @throws InvalidCiphertextError, AccessDeniedError, InvalidKeyStateError
   */
  async reEncrypt(ciphertext: Ciphertext, options: ReEncryptOptions = {}): Promise<ReEncryptResult> {
    const [call, fields] = split(options)
    return this.#run(reEncrypt, { ...fields, key: this.#reference, ciphertext }, call)
  }

  /** Re-encrypts what `encryptText` or `encryptJson` returned, into base64url again. */
  async reEncryptText(ciphertext: Ciphertext, options: ReEncryptOptions = {}): Promise<string> {
    return (await this.reEncrypt(ciphertext, options)).ciphertext.toString('base64url')
  }

  /** Encrypts a text into base64url, for a text column. */
  async encryptText(text: string, options: EncryptOptions = {}): Promise<string> {
    if (typeof text !== 'string') throw new InvalidRequestError('encryptText takes a string')
    return (await this.encrypt(text, options)).ciphertext.toString('base64url')
  }

  /** Decrypts what `encryptText` returned. */
  async decryptText(ciphertext: Ciphertext, options: DecryptOptions = {}): Promise<string> {
    return decodeText((await this.decrypt(ciphertext, options)).plaintext)
  }

  /** Encrypts a value as JSON into base64url, for a text column. */
  async encryptJson(value: unknown, options: EncryptOptions = {}): Promise<string> {
    return this.encryptText(encodeJson(value), options)
  }

  /** Decrypts what `encryptJson` returned. */
  async decryptJson(ciphertext: Ciphertext, options: DecryptOptions = {}): Promise<unknown> {
    return decodeJson(await this.decryptText(ciphertext, options))
  }

  /** Encrypts up to 1,000 messages, each on its own, with one audit record. */
  async encryptMany(items: readonly HandleEncryptItem[], options?: CallOptions): Promise<EncryptManyResult> {
    return this.#run(encryptMany, { items: withKey(items, this.#reference) }, options)
  }

  /** Decrypts up to 1,000 messages of this key, each on its own, with one audit record. */
  async decryptMany(items: readonly HandleDecryptItem[], options?: CallOptions): Promise<DecryptManyResult> {
    return this.#run(decryptMany, { items: withKey(items, this.#reference) }, options)
  }

  /** Re-encrypts up to 1,000 messages, each on its own, with one audit record per key and direction. */
  async reEncryptMany(items: readonly HandleReEncryptItem[], options?: CallOptions): Promise<ReEncryptManyResult> {
    return this.#run(reEncryptMany, { items: withKey(items, this.#reference) }, options)
  }

  /** Makes a data key, in clear and encrypted under this key. */
  async generateDataKey(
    request: Omit<GenerateDataKeyRequest, 'key'> = {},
    options?: CallOptions,
  ): Promise<GenerateDataKeyResult> {
    return this.#run(generateDataKey, { ...requireObject(request, 'request'), key: this.#reference }, options)
  }

  /** Decrypts a data key of this key: the inverse of `generateDataKey`. */
  async decryptDataKey(ciphertext: Ciphertext, options: DecryptOptions = {}): Promise<DecryptResult> {
    const [call, fields] = split(options)
    return this.#run(decryptDataKey, { ...fields, key: this.#reference, ciphertext }, call)
  }

  /** What is known of the key now. */
  async describe(options?: CallOptions): Promise<KeyDescription> {
    return this.#run(describeKey, { key: this.#reference }, options)
  }

  /** Makes a new version current; old ciphertexts keep opening. */
  async rotate(options?: CallOptions): Promise<KeyDescription> {
    return this.#run(rotateKey, { key: this.#reference }, options)
  }

  /** Disables the key until it is enabled again. */
  async disable(options: StateOptions = {}): Promise<KeyDescription> {
    const [call, fields] = split(options)
    return this.#run(disableKey, { ...fields, key: this.#reference }, call)
  }

  /** Enables the key again. */
  async enable(options: StateOptions = {}): Promise<KeyDescription> {
    const [call, fields] = split(options)
    return this.#run(enableKey, { ...fields, key: this.#reference }, call)
  }
}

/** Options of a handle's `disable` and `enable`. */
export interface StateOptions extends CallOptions {
  /** Why, at most 256 characters. Recorded. */
  readonly reason?: string | undefined
}

/** A message of a handle's `encryptMany`. */
export interface HandleEncryptItem extends Omit<EncryptRequest, 'key'> {
  /** What the caller calls it: given back with its result. */
  readonly reference?: string | undefined
}

/** A message of a handle's `decryptMany`. */
export interface HandleDecryptItem extends Omit<DecryptRequest, 'key'> {
  /** What the caller calls it: given back with its result. */
  readonly reference?: string | undefined
}

/** A message of a handle's `reEncryptMany`. */
export interface HandleReEncryptItem extends Omit<ReEncryptRequest, 'key'> {
  /** What the caller calls it: given back with its result. */
  readonly reference?: string | undefined
}

/** A handle by what the caller calls the key: no I/O, nothing is checked but the shape. @throws InvalidRequestError */
export function handleOf(run: Run, reference: string, usage: KeyUsage): KeyHandle {
  if (!keyReference.safeParse(reference).success) throw new InvalidRequestError('a key is named by its id or name')
  if (!usages.includes(usage)) throw new InvalidRequestError('there is no such key usage')
  const isName = nameSchema.safeParse(reference).success
  return new KeyHandle(run, { reference, usage, ...(isName ? { name: reference } : { id: reference }) })
}

function split<T extends CallOptions>(options: T): [CallOptions, Omit<T, keyof CallOptions>] {
  const { signal, requestId, ...fields } = requireObject(options, 'options')
  return [{ signal, requestId }, fields]
}

function withKey<T extends object>(items: readonly T[], key: string): (T & { readonly key: string })[] {
  if (!Array.isArray(items)) throw new InvalidRequestError('the items are not an array')
  return items.map((item) => ({ ...item, key }))
}
