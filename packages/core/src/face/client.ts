import { decapsulate, type DecapsulateRequest, type DecapsulateResult } from '../operations/decapsulate.ts'
import { decryptDataKey } from '../operations/decrypt-data-key.ts'
import { decryptMany, type DecryptManyRequest, type DecryptManyResult } from '../operations/decrypt-many.ts'
import { decrypt } from '../operations/decrypt.ts'
import { deriveSharedSecret } from '../operations/derive-shared-secret.ts'
import type { DeriveSharedSecretRequest, DeriveSharedSecretResult } from '../operations/derive-shared-secret.ts'
import { encapsulate, type EncapsulateRequest, type EncapsulateResult } from '../operations/encapsulate.ts'
import { encryptMany, type EncryptManyRequest, type EncryptManyResult } from '../operations/encrypt-many.ts'
import { encrypt } from '../operations/encrypt.ts'
import { generateDataKeyPairWithoutPlaintext } from '../operations/generate-data-key-pair-without-plaintext.ts'
import { generateDataKeyPair } from '../operations/generate-data-key-pair.ts'
import { generateDataKeyWithoutPlaintext } from '../operations/generate-data-key-without-plaintext.ts'
import { generateDataKey } from '../operations/generate-data-key.ts'
import { generateMac } from '../operations/generate-mac.ts'
import { generateRandom, type GenerateRandomRequest, type GenerateRandomResult } from '../operations/generate-random.ts'
import { getPublicKey, type GetPublicKeyRequest, type GetPublicKeyResult } from '../operations/get-public-key.ts'
import { reEncryptMany, type ReEncryptManyRequest, type ReEncryptManyResult } from '../operations/re-encrypt-many.ts'
import { reEncrypt } from '../operations/re-encrypt.ts'
import type { GenerateDataKeyPairRequest as PairRequest } from '../operations/shared/data-key-pairs.ts'
import type { GenerateDataKeyPairResult as Pair } from '../operations/shared/data-key-pairs.ts'
import type { GenerateDataKeyPairWithoutPlaintextResult as SealedPair } from '../operations/shared/data-key-pairs.ts'
import type { GenerateDataKeyRequest, GenerateDataKeyResult } from '../operations/shared/data-keys.ts'
import type { GenerateMacRequest, GenerateMacResult } from '../operations/shared/macs.ts'
import type { VerifyMacRequest, VerifyMacResult } from '../operations/shared/macs.ts'
import type { DecryptDataKeyRequest, DecryptRequest, DecryptResult } from '../operations/shared/messages.ts'
import type { EncryptRequest, EncryptResult, ReEncryptRequest, ReEncryptResult } from '../operations/shared/messages.ts'
import type { SignRequest, SignResult, VerifyRequest, VerifyResult } from '../operations/shared/signing.ts'
import { signMany, type SignManyRequest, type SignManyResult } from '../operations/sign-many.ts'
import { sign } from '../operations/sign.ts'
import { verifyMac } from '../operations/verify-mac.ts'
import { verifyMany, type VerifyManyRequest, type VerifyManyResult } from '../operations/verify-many.ts'
import { verify } from '../operations/verify.ts'
import type { DataKeyScope } from '../operations/use-data-key.ts'
import { InvalidRequestError } from '../errors.ts'
import type { CallOptions } from '../call.ts'
import type { KeyUsage } from '../state/rows.ts'
import { handleOf, type HandleOf } from './handles.ts'
import { Namespaces } from './namespaces.ts'
import type { Run } from './run.ts'
import { decodeJson, decodeText, encodeJson, requireObject } from './text.ts'
import type { EncryptJsonRequest, EncryptTextRequest } from './text.ts'
import { withDataKey, type DataKeyWork } from './with-data-key.ts'

/**
 * A tenant of a KMS, bound to one principal: everything that may be put into the hands of somebody else.
 *
 * Every method may throw, besides what it names: `INVALID_REQUEST`, `ACCESS_DENIED`, `ABORTED`, `CLOSED`,
 * `AUDIT_UNAVAILABLE` and `AUDIT_OVERLOADED` (no result without its record), `STORAGE_UNAVAILABLE`,
 * `STORAGE_TAMPERED`, `ROLLBACK_DETECTED`.
 */
export class KmsClient extends Namespaces {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    super(run)
    this.#run = run
  }

  /** A handle to a key for encryption by its id or name. No I/O: whether it exists shows at its first use. */
  key(reference: string): HandleOf<'ENCRYPT_DECRYPT'>
  /** A handle to a key for something else: with the verbs of that usage. */
  key<U extends KeyUsage>(reference: string, usage: U): HandleOf<U>
  key(reference: string, usage: KeyUsage = 'ENCRYPT_DECRYPT'): HandleOf<KeyUsage> {
    return handleOf(this.#run, reference, usage)
  }

  /** Encrypts one message. @throws KeyNotFoundError, InvalidKeyStateError, InvalidKeyUsageError, LimitExceededError */
  encrypt(request: EncryptRequest, options?: CallOptions): Promise<EncryptResult> {
    return this.#run(encrypt, request, options)
  }

  /** Decrypts one message with the key version that it names. @throws InvalidCiphertextError, InvalidKeyStateError */
  decrypt(request: DecryptRequest, options?: CallOptions): Promise<DecryptResult> {
    return this.#run(decrypt, request, options)
  }

  /** Puts a message under another key, version or context; its plaintext is not shown. @throws InvalidCiphertextError */
  reEncrypt(request: ReEncryptRequest, options?: CallOptions): Promise<ReEncryptResult> {
    return this.#run(reEncrypt, request, options)
  }

  /** Encrypts many messages, each on its own, with one record per key. @throws LimitExceededError */
  encryptMany(request: EncryptManyRequest, options?: CallOptions): Promise<EncryptManyResult> {
    return this.#run(encryptMany, request, options)
  }

  /** Decrypts many messages, each on its own, with one record per key. @throws LimitExceededError */
  decryptMany(request: DecryptManyRequest, options?: CallOptions): Promise<DecryptManyResult> {
    return this.#run(decryptMany, request, options)
  }

  /** Re-encrypts many messages, each on its own, with one record per key and direction. @throws LimitExceededError */
  reEncryptMany(request: ReEncryptManyRequest, options?: CallOptions): Promise<ReEncryptManyResult> {
    return this.#run(reEncryptMany, request, options)
  }

  /** Encrypts a text into base64url, for a text column. */
  async encryptText(request: EncryptTextRequest, options?: CallOptions): Promise<string> {
    if (typeof requireObject(request, 'request').plaintext !== 'string')
      throw new InvalidRequestError('encryptText takes a string')
    return (await this.encrypt(request, options)).ciphertext.toString('base64url')
  }

  /** Decrypts what `encryptText` returned. */
  async decryptText(request: DecryptRequest, options?: CallOptions): Promise<string> {
    return decodeText((await this.decrypt(request, options)).plaintext)
  }

  /** Re-encrypts what `encryptText` or `encryptJson` returned, into base64url again. */
  async reEncryptText(request: ReEncryptRequest, options?: CallOptions): Promise<string> {
    return (await this.reEncrypt(request, options)).ciphertext.toString('base64url')
  }

  /** Encrypts a value as JSON into base64url, for a text column. */
  async encryptJson(json: EncryptJsonRequest, options?: CallOptions): Promise<string> {
    const { value, ...request } = requireObject(json, 'request')
    return this.encryptText({ ...request, plaintext: encodeJson(value) }, options)
  }

  /** Decrypts what `encryptJson` returned. */
  async decryptJson(request: DecryptRequest, options?: CallOptions): Promise<unknown> {
    return decodeJson(await this.decryptText(request, options))
  }

  /** Makes a data key, in clear and encrypted: use it, wipe it, keep the encrypted one. */
  generateDataKey(request: GenerateDataKeyRequest, options?: CallOptions): Promise<GenerateDataKeyResult> {
    return this.#run(generateDataKey, request, options)
  }

  /** Makes a data key that only whoever calls `decryptDataKey` will see. */
  generateDataKeyWithoutPlaintext(request: GenerateDataKeyRequest, options?: CallOptions): Promise<EncryptResult> {
    return this.#run(generateDataKeyWithoutPlaintext, request, options)
  }

  /** Makes a key pair of the caller's: the public half, and the private one in clear and encrypted. */
  generateDataKeyPair(request: PairRequest, options?: CallOptions): Promise<Pair> {
    return this.#run(generateDataKeyPair, request, options)
  }

  /** Makes a key pair whose private half only whoever calls `decryptDataKey` will see. */
  generateDataKeyPairWithoutPlaintext(request: PairRequest, options?: CallOptions): Promise<SealedPair> {
    return this.#run(generateDataKeyPairWithoutPlaintext, request, options)
  }

  /** Lends a data key for one piece of work, then wipes it. Each call is authorized and recorded as `generateDataKey`. */
  async withDataKey<T>(scope: DataKeyScope, work: DataKeyWork<T>, options?: CallOptions): Promise<T> {
    return withDataKey(this.#run, { scope, work, options })
  }

  /** Decrypts a data key or the private half of a pair. @throws InvalidCiphertextError */
  decryptDataKey(request: DecryptDataKeyRequest, options?: CallOptions): Promise<DecryptResult> {
    return this.#run(decryptDataKey, request, options)
  }

  /** Signs a message, or its digest, with the current version of a key. @throws InvalidKeyUsageError, InvalidKeyStateError */
  sign(request: SignRequest, options?: CallOptions): Promise<SignResult> {
    return this.#run(sign, request, options)
  }

  /** Verifies a signature. One that does not fit is `valid: false`, no error. @throws InvalidKeyUsageError, InvalidKeyStateError */
  verify(request: VerifyRequest, options?: CallOptions): Promise<VerifyResult> {
    return this.#run(verify, request, options)
  }

  /** Signs many messages, each on its own, with one record per key. @throws LimitExceededError */
  signMany(request: SignManyRequest, options?: CallOptions): Promise<SignManyResult> {
    return this.#run(signMany, request, options)
  }

  /** Verifies many signatures, each on its own, with one record per key. @throws LimitExceededError */
  verifyMany(request: VerifyManyRequest, options?: CallOptions): Promise<VerifyManyResult> {
    return this.#run(verifyMany, request, options)
  }

  /** Makes the message authentication code of a message. @throws InvalidKeyUsageError, InvalidKeyStateError */
  generateMac(request: GenerateMacRequest, options?: CallOptions): Promise<GenerateMacResult> {
    return this.#run(generateMac, request, options)
  }

  /** Verifies a MAC. One that does not fit is `valid: false`, no error. @throws InvalidKeyUsageError, InvalidKeyStateError */
  verifyMac(request: VerifyMacRequest, options?: CallOptions): Promise<VerifyMacResult> {
    return this.#run(verifyMac, request, options)
  }

  /** Agrees on a secret with the holder of another key. @throws InvalidKeyUsageError, InvalidKeyStateError */
  deriveSharedSecret(request: DeriveSharedSecretRequest, options?: CallOptions): Promise<DeriveSharedSecretResult> {
    return this.#run(deriveSharedSecret, request, options)
  }

  /** Makes a secret for the holder of a key. @throws InvalidKeyUsageError, UnsupportedOnThisRuntimeError */
  encapsulate(request: EncapsulateRequest, options?: CallOptions): Promise<EncapsulateResult> {
    return this.#run(encapsulate, request, options)
  }

  /** Arrives at the secret that `encapsulate` made. @throws InvalidCiphertextError, UnsupportedOnThisRuntimeError */
  decapsulate(request: DecapsulateRequest, options?: CallOptions): Promise<DecapsulateResult> {
    return this.#run(decapsulate, request, options)
  }

  /** The public half of a key pair, in any state of the key. @throws KeyNotFoundError, InvalidKeyUsageError */
  getPublicKey(request: GetPublicKeyRequest, options?: CallOptions): Promise<GetPublicKeyResult> {
    return this.#run(getPublicKey, request, options)
  }

  /** Makes 1 to 1,024 random bytes from the operating system. */
  generateRandom(request: GenerateRandomRequest, options?: CallOptions): Promise<GenerateRandomResult> {
    return this.#run(generateRandom, request, options)
  }
}
