import { deriveSharedSecret } from '../operations/derive-shared-secret.ts'
import type { DeriveSharedSecretRequest, DeriveSharedSecretResult } from '../operations/derive-shared-secret.ts'
import { getPublicKey, type GetPublicKeyResult } from '../operations/get-public-key.ts'
import type { PublicKeyInput } from '../operations/shared/key-material.ts'
import type { CallOptions } from '../call.ts'
import { KeyHandle, split, type KeyIdentity, type PublicKeyOptions } from './handle.ts'
import type { Run } from './run.ts'

/** Options of a handle's `deriveSharedSecret`. */
export type DeriveOptions = Omit<DeriveSharedSecretRequest, 'key' | 'publicKey'> & CallOptions

/** A key of usage `KEY_AGREEMENT`. */
export class AgreementKey extends KeyHandle {
  readonly #run: Run
  readonly #key: string

  /** @internal */
  constructor(run: Run, identity: KeyIdentity) {
    super(run, identity)
    this.#run = run
    this.#key = identity.reference
  }

  /** Agrees on a secret with the holder of another key. @throws AccessDeniedError, InvalidKeyStateError */
  async deriveSharedSecret(publicKey: PublicKeyInput, options: DeriveOptions = {}): Promise<DeriveSharedSecretResult> {
    const [call, fields] = split(options)
    return this.#run(deriveSharedSecret, { ...fields, key: this.#key, publicKey }, call)
  }

  /** The public half, for the peer. */
  async getPublicKey(options: PublicKeyOptions = {}): Promise<GetPublicKeyResult> {
    const [call, fields] = split(options)
    return this.#run(getPublicKey, { ...fields, key: this.#key }, call)
  }
}
