import { z } from 'zod'
import { ciphertext, context, keyReference, keyVersion, plaintext, reason, type Ciphertext } from './fields.ts'
import type { EncryptionContext, Plaintext } from './fields.ts'

/** A message to encrypt. */
export interface EncryptRequest {
  /** The key: id or name. */
  readonly key: string
  /** What to encrypt, at most 64 MiB. A string stands for its UTF-8 bytes. */
  readonly plaintext: Plaintext
  /** Pairs that must be given again to decrypt; authenticated, not stored. @defaultValue none */
  readonly context?: EncryptionContext | undefined
  /**
   * For an RSA key, which takes messages of at most 190 (RSA_2048), 318 or 446 bytes and binds no encryption context: a
   * wish that is checked. Ciphertexts are then plain RSA, with neither key nor version in them. @defaultValue none
   */
  readonly algorithm?: 'RSAES_OAEP_SHA_256' | undefined
  /**
   * `derived` seals under a key derived from the key's material, with 96 bytes of overhead; `wrapped` under a random
   * data key, with 200, so that re-encrypting rewrites 128 bytes and never the body. @defaultValue 'derived'
   */
  readonly envelope?: 'derived' | 'wrapped' | undefined
}

/** An encrypted message. */
export interface EncryptResult {
  /** The message: self-describing, `CM1`, unless the key is an RSA key. */
  readonly ciphertext: Buffer
  /** The key that protects it. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
}

/** A message to decrypt. */
export interface DecryptRequest {
  /** What `encrypt` returned: bytes, or their canonical base64url. */
  readonly ciphertext: Ciphertext
  /** The same pairs that it was encrypted with. @defaultValue none */
  readonly context?: EncryptionContext | undefined
  /** Accept only messages of this key: id or name. Needed for those of RSA keys. @defaultValue any */
  readonly key?: string | undefined
  /** Accept only messages of this version. Those of RSA keys do not name theirs. @defaultValue what the message names, or the current one */
  readonly keyVersion?: number | undefined
  /** For an RSA key: `RSAES_OAEP_SHA_1` opens what older clients made. @defaultValue 'RSAES_OAEP_SHA_256' */
  readonly algorithm?: 'RSAES_OAEP_SHA_256' | 'RSAES_OAEP_SHA_1' | undefined
  /** For an admin: get data away from a revoked key or version. Needs a reason, which is recorded. @defaultValue false */
  readonly allowRevoked?: boolean | undefined
  /** Why, where `allowRevoked` is set. */
  readonly reason?: string | undefined
}

/** A data key to decrypt. */
export interface DecryptDataKeyRequest extends Omit<DecryptRequest, 'algorithm'> {}

/** A decrypted message. */
export interface DecryptResult {
  /** What was encrypted. Wipe it with `fill(0)` when it is a secret. */
  readonly plaintext: Buffer
  /** The key that protected it. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
}

/** A message to put under another key, the current version of its own, or another context. */
export interface ReEncryptRequest {
  /** What `encrypt` or `generateDataKey` returned: bytes, or their canonical base64url. */
  readonly ciphertext: Ciphertext
  /** The pairs that it was encrypted with. @defaultValue none */
  readonly context?: EncryptionContext | undefined
  /** The new key: id or name. @defaultValue the key that it is encrypted with */
  readonly key?: string | undefined
  /** The new pairs. @defaultValue the same as `context` */
  readonly newContext?: EncryptionContext | undefined
  /** For an admin: get data away from a revoked key or version. Needs a reason, which is recorded. @defaultValue false */
  readonly allowRevoked?: boolean | undefined
  /** Why, where `allowRevoked` is set. */
  readonly reason?: string | undefined
}

/** A message under its new key. */
export interface ReEncryptResult extends EncryptResult {
  /** The key that it was encrypted with before. */
  readonly sourceKeyId: string
  /** The version of it. */
  readonly sourceKeyVersion: number
}

/** The fields of {@link EncryptRequest}, for schemas. */
export const encryptFields = {
  key: keyReference,
  plaintext,
  context: context.optional(),
  algorithm: z.enum(['RSAES_OAEP_SHA_256']).optional(),
  envelope: z.enum(['derived', 'wrapped']).optional(),
}

const opening = {
  ciphertext,
  context: context.optional(),
  key: keyReference.optional(),
  allowRevoked: z.boolean().optional(),
  reason: reason.optional(),
}

/** The fields of {@link DecryptRequest}, for schemas. */
export const decryptFields = {
  ...opening,
  keyVersion: keyVersion.optional(),
  algorithm: z.enum(['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1']).optional(),
}

/** The fields of a request to open a data key, for schemas. */
export const decryptDataKeyFields = { ...opening, keyVersion: keyVersion.optional() }

/** The fields of {@link ReEncryptRequest}, for schemas. */
export const reEncryptFields = { ...opening, newContext: context.optional() }
