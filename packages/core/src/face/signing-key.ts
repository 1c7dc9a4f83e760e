import { getPublicKey, type GetPublicKeyResult } from '../operations/get-public-key.ts'
import { signMany, type SignManyResult } from '../operations/sign-many.ts'
import { sign } from '../operations/sign.ts'
import { verifyMany, type VerifyManyResult } from '../operations/verify-many.ts'
import { verify } from '../operations/verify.ts'
import type { Ciphertext, Plaintext } from '../operations/shared/fields.ts'
import type { SignRequest, SignResult, VerifyRequest, VerifyResult } from '../operations/shared/signing.ts'
import type { CallOptions } from '../call.ts'
import { KeyHandle, split, withKey, type KeyIdentity, type PublicKeyOptions } from './handle.ts'
import type { Run } from './run.ts'

/** Options of a handle's `sign`. */
export type SignOptions = Omit<SignRequest, 'key' | 'message'> & CallOptions

/** Options of a handle's `verify`. */
export type VerifyOptionsOfKey = Omit<VerifyRequest, 'key' | 'message' | 'signature'> & CallOptions

/** A key of usage `SIGN_VERIFY`. */
export class SigningKey extends KeyHandle {
  readonly #run: Run
  readonly #key: string

  /** @internal */
  constructor(run: Run, identity: KeyIdentity) {
    super(run, identity)
    this.#run = run
    this.#key = identity.reference
  }

  /** Signs a message, or the UTF-8 bytes of a string. @throws AccessDeniedError, InvalidKeyStateError */
  async sign(message: Plaintext, options: SignOptions = {}): Promise<SignResult> {
    const [call, fields] = split(options)
    return this.#run(sign, { ...fields, key: this.#key, message }, call)
  }

  /** Verifies a signature: one that does not fit is `valid: false`. @throws AccessDeniedError, InvalidKeyStateError */
  async verify(message: Plaintext, signature: Ciphertext, options: VerifyOptionsOfKey = {}): Promise<VerifyResult> {
    const [call, fields] = split(options)
    return this.#run(verify, { ...fields, key: this.#key, message, signature }, call)
  }

  /** Signs up to 1,000 messages, each on its own, with one audit record. */
  async signMany(items: readonly HandleSignItem[], options?: CallOptions): Promise<SignManyResult> {
    return this.#run(signMany, { items: withKey(items, this.#key) }, options)
  }

  /** Verifies up to 1,000 signatures, each on its own, with one audit record. */
  async verifyMany(items: readonly HandleVerifyItem[], options?: CallOptions): Promise<VerifyManyResult> {
    return this.#run(verifyMany, { items: withKey(items, this.#key) }, options)
  }

  /** The public half, for those who verify elsewhere. */
  async getPublicKey(options: PublicKeyOptions = {}): Promise<GetPublicKeyResult> {
    const [call, fields] = split(options)
    return this.#run(getPublicKey, { ...fields, key: this.#key }, call)
  }
}

/** A message of a handle's `signMany`. */
export interface HandleSignItem extends Omit<SignRequest, 'key'> {
  /** What the caller calls it: given back with its result. */
  readonly reference?: string | undefined
}

/** A signature of a handle's `verifyMany`. */
export interface HandleVerifyItem extends Omit<VerifyRequest, 'key'> {
  /** What the caller calls it: given back with its result. */
  readonly reference?: string | undefined
}
