import { InvalidRequestError } from '../errors.ts'
import { decryptStream, type DecryptStreamRequest } from '../operations/decrypt-stream.ts'
import { decryptMany, type DecryptManyResult } from '../operations/decrypt-many.ts'
import { decrypt } from '../operations/decrypt.ts'
import { decryptDataKey } from '../operations/decrypt-data-key.ts'
import { encryptStream, type EncryptStreamRequest } from '../operations/encrypt-stream.ts'
import type { DecryptRangeRequest, DecryptRangeResult } from '../operations/decrypt-range.ts'
import { encryptMany, type EncryptManyResult } from '../operations/encrypt-many.ts'
import { encrypt } from '../operations/encrypt.ts'
import { generateDataKeyPair } from '../operations/generate-data-key-pair.ts'
import { generateDataKey } from '../operations/generate-data-key.ts'
import { getPublicKey, type GetPublicKeyResult } from '../operations/get-public-key.ts'
import { reEncryptMany, type ReEncryptManyResult } from '../operations/re-encrypt-many.ts'
import { reEncryptStream, type ReEncryptStreamRequest } from '../operations/re-encrypt-stream.ts'
import { reEncrypt } from '../operations/re-encrypt.ts'
import type { GenerateDataKeyPairRequest, GenerateDataKeyPairResult } from '../operations/shared/data-key-pairs.ts'
import { deterministicDecrypt } from '../operations/deterministic-decrypt.ts'
import type { DeterministicDecryptRequest } from '../operations/deterministic-decrypt.ts'
import { deterministicEncrypt } from '../operations/deterministic-encrypt.ts'
import { needsReEncrypt } from '../operations/needs-re-encrypt.ts'
import type { DeterministicEncryptRequest } from '../operations/shared/deterministic.ts'
import type { NeedsReEncryptResult } from '../operations/shared/re-encryption-needs.ts'
import type { GenerateDataKeyRequest, GenerateDataKeyResult } from '../operations/shared/data-keys.ts'
import type { Ciphertext, Plaintext } from '../operations/shared/fields.ts'
import type { DecryptDataKeyRequest, DecryptRequest, DecryptResult } from '../operations/shared/messages.ts'
import type { EncryptRequest, EncryptResult, ReEncryptRequest, ReEncryptResult } from '../operations/shared/messages.ts'
import type { DataKeyScope } from '../operations/use-data-key.ts'
import type { CallOptions } from '../call.ts'
import type { ByteTransform } from '../stream-session.ts'
import { KeyHandle, split, withKey, type KeyIdentity, type PublicKeyOptions } from './handle.ts'
import type { Run } from './run.ts'
import { reEncryptAll } from './re-encrypt-all.ts'
import type { ReEncryptAllOptions, ReEncryptAllResult, ReEncryptSource } from './re-encryption.ts'
import { decryptRangeBy } from './streaming-client.ts'
import { decodeJson, decodeText, encodeJson, requireObject } from './text.ts'
import { withDataKey, type DataKeyWork } from './with-data-key.ts'

/** Options of a handle's `encrypt`. */
export type EncryptOptions = Omit<EncryptRequest, 'key' | 'plaintext'> & CallOptions

/** Options of a handle's `decrypt`. */
export type DecryptOptions = Omit<DecryptRequest, 'key' | 'ciphertext'> & CallOptions

/** Options of a handle's `reEncrypt`. */
export type ReEncryptOptions = Omit<ReEncryptRequest, 'key' | 'ciphertext'> & CallOptions

/** Options of a handle's `decryptDataKey`. */
export type DecryptDataKeyOptions = Omit<DecryptDataKeyRequest, 'key' | 'ciphertext'> & CallOptions

/** Options of a handle's `deterministicEncrypt`. */
export type DeterministicEncryptOptions = Omit<DeterministicEncryptRequest, 'key' | 'plaintext'> & CallOptions

/** Options of a handle's `deterministicDecrypt`. */
export type DeterministicDecryptOptions = Omit<DeterministicDecryptRequest, 'key' | 'ciphertext'> & CallOptions
/** Options of a handle's `encryptStream`. */
export type EncryptStreamOptions = Omit<EncryptStreamRequest, 'key'> & CallOptions

/** Options of a handle's `decryptStream`. */
export type DecryptStreamOptions = Omit<DecryptStreamRequest, 'key'> & CallOptions
/** Options of a handle's `reEncryptStream`. */
export type ReEncryptStreamOptions = Omit<ReEncryptStreamRequest, 'key'> & CallOptions

/** A key of usage `ENCRYPT_DECRYPT`. Data keys, encryption contexts and re-encryption are for AES keys alone. */
export class EncryptionKey extends KeyHandle {
  readonly #run: Run
  readonly #key: string

  /** @internal */
  constructor(run: Run, identity: KeyIdentity) {
    super(run, identity)
    this.#run = run
    this.#key = identity.reference
  }

  /** Encrypts bytes, or the UTF-8 bytes of a string. @throws AccessDeniedError, InvalidKeyStateError */
  async encrypt(plaintext: Plaintext, options: EncryptOptions = {}): Promise<EncryptResult> {
    const [call, fields] = split(options)
    return this.#run(encrypt, { ...fields, key: this.#key, plaintext }, call)
  }

  /** Decrypts a message of this key. @throws InvalidCiphertextError, AccessDeniedError, InvalidKeyStateError */
  async decrypt(ciphertext: Ciphertext, options: DecryptOptions = {}): Promise<DecryptResult> {
    const [call, fields] = split(options)
    return this.#run(decrypt, { ...fields, key: this.#key, ciphertext }, call)
  }

  /**
   * Puts a message, of this or another key, under the current version of this one; its plaintext is not shown.
   *
   * @throws InvalidCiphertextError, AccessDeniedError, InvalidKeyStateError
   */
  async reEncrypt(ciphertext: Ciphertext, options: ReEncryptOptions = {}): Promise<ReEncryptResult> {
    const [call, fields] = split(options)
    return this.#run(reEncrypt, { ...fields, key: this.#key, ciphertext }, call)
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
    return this.#run(encryptMany, { items: withKey(items, this.#key) }, options)
  }

  /** Decrypts up to 1,000 messages of this key, each on its own, with one audit record. */
  async decryptMany(items: readonly HandleDecryptItem[], options?: CallOptions): Promise<DecryptManyResult> {
    return this.#run(decryptMany, { items: withKey(items, this.#key) }, options)
  }

  /** Re-encrypts up to 1,000 messages, each on its own, with one audit record per key and direction. */
  async reEncryptMany(items: readonly HandleReEncryptItem[], options?: CallOptions): Promise<ReEncryptManyResult> {
    return this.#run(reEncryptMany, { items: withKey(items, this.#key) }, options)
  }

  /** Whether a message is under anything but the current version of this key. It is not opened. */
  async needsReEncrypt(ciphertext: Ciphertext, options?: CallOptions): Promise<NeedsReEncryptResult> {
    return this.#run(needsReEncrypt, { ciphertext, key: this.#key }, options)
  }

  /** Puts a whole table under the current version of this key; see the client's `reEncryptAll`. */
  async reEncryptAll(source: ReEncryptSource, options: Omit<ReEncryptAllOptions, 'key'>): Promise<ReEncryptAllResult> {
    return reEncryptAll(this.#run, source, { ...requireObject(options, 'options'), key: this.#key })
  }

  /** Encrypts a value so that equal ones are equal encrypted. @throws InvalidKeyUsageError unless it is an `AES_256_SIV` key */
  async deterministicEncrypt(plaintext: Plaintext, options: DeterministicEncryptOptions = {}): Promise<EncryptResult> {
    const [call, fields] = split(options)
    return this.#run(deterministicEncrypt, { ...fields, key: this.#key, plaintext }, call)
  }

  /** Decrypts what `deterministicEncrypt` returned. @throws InvalidCiphertextError, InvalidKeyStateError */
  async deterministicDecrypt(
    ciphertext: Ciphertext,
    options: DeterministicDecryptOptions = {},
  ): Promise<DecryptResult> {
    const [call, fields] = split(options)
    return this.#run(deterministicDecrypt, { ...fields, key: this.#key, ciphertext }, call)
  }

  /** Encrypts a stream of bytes; see {@link KmsClient.encryptStream}. @throws InvalidRequestError, ClosedError at once */
  encryptStream(options: EncryptStreamOptions = {}): ByteTransform {
    const [call, fields] = split(options)
    return this.#run.stream(encryptStream, { ...fields, key: this.#key }, call)
  }

  /** Decrypts a stream of this key; see {@link KmsClient.decryptStream}. @throws InvalidRequestError, ClosedError at once */
  decryptStream(options: DecryptStreamOptions = {}): ByteTransform {
    const [call, fields] = split(options)
    return this.#run.stream(decryptStream, { ...fields, key: this.#key }, call)
  }

  /** Puts a stream under this key; see {@link KmsClient.reEncryptStream}. @throws InvalidRequestError, ClosedError at once */
  reEncryptStream(options: ReEncryptStreamOptions = {}): ByteTransform {
    const [call, fields] = split(options)
    return this.#run.stream(reEncryptStream, { ...fields, key: this.#key }, call)
  }

  /** Decrypts a range of a message of this key. @throws InvalidCiphertextError, AccessDeniedError, InvalidKeyStateError */
  async decryptRange(request: Omit<DecryptRangeRequest, 'key'>, options?: CallOptions): Promise<DecryptRangeResult> {
    return decryptRangeBy(this.#run, { ...requireObject(request, 'request'), key: this.#key }, options)
  }

  /** Makes a data key, in clear and encrypted under this key. */
  async generateDataKey(
    request: Omit<GenerateDataKeyRequest, 'key'> = {},
    options?: CallOptions,
  ): Promise<GenerateDataKeyResult> {
    return this.#run(generateDataKey, { ...requireObject(request, 'request'), key: this.#key }, options)
  }

  /** Makes a key pair of the caller's: the public half, and the private one in clear and encrypted under this key. */
  async generateDataKeyPair(
    request: Omit<GenerateDataKeyPairRequest, 'key'>,
    options?: CallOptions,
  ): Promise<GenerateDataKeyPairResult> {
    return this.#run(generateDataKeyPair, { ...requireObject(request, 'request'), key: this.#key }, options)
  }

  /** Lends a data key of this key for one piece of work, then wipes it; see {@link KmsClient.withDataKey}. */
  async withDataKey<T>(scope: Omit<DataKeyScope, 'key'>, work: DataKeyWork<T>, options?: CallOptions): Promise<T> {
    return withDataKey(this.#run, { scope: { ...requireObject(scope, 'scope'), key: this.#key }, work, options })
  }

  /** Decrypts a data key of this key, or the private half of a pair. */
  async decryptDataKey(ciphertext: Ciphertext, options: DecryptDataKeyOptions = {}): Promise<DecryptResult> {
    const [call, fields] = split(options)
    return this.#run(decryptDataKey, { ...fields, key: this.#key, ciphertext }, call)
  }

  /** The public half of an RSA key, for those who encrypt elsewhere. @throws InvalidKeyUsageError for an AES key. */
  async getPublicKey(options: PublicKeyOptions = {}): Promise<GetPublicKeyResult> {
    const [call, fields] = split(options)
    return this.#run(getPublicKey, { ...fields, key: this.#key }, call)
  }
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
