import { decapsulate, type DecapsulateRequest, type DecapsulateResult } from '../operations/decapsulate.ts'
import { encapsulate, type EncapsulateResult } from '../operations/encapsulate.ts'
import { getPublicKey, type GetPublicKeyResult } from '../operations/get-public-key.ts'
import type { Ciphertext } from '../operations/shared/fields.ts'
import type { CallOptions } from '../call.ts'
import { KeyHandle, split, type KeyIdentity, type PublicKeyOptions } from './handle.ts'
import type { Run } from './run.ts'

/** Options of a handle's `decapsulate`. */
export type DecapsulateOptions = Omit<DecapsulateRequest, 'key' | 'ciphertext'> & CallOptions

/** A key of usage `ENCAPSULATE_DECAPSULATE`. */
export class EncapsulationKey extends KeyHandle {
  readonly #run: Run
  readonly #key: string

  /** @internal */
  constructor(run: Run, identity: KeyIdentity) {
    super(run, identity)
    this.#run = run
    this.#key = identity.reference
  }

  /** Makes a secret that this key can be asked for again. @throws AccessDeniedError, InvalidKeyStateError */
  async encapsulate(options?: CallOptions): Promise<EncapsulateResult> {
    return this.#run(encapsulate, { key: this.#key }, options)
  }

  /** Arrives at the secret that `encapsulate` made. @throws InvalidCiphertextError, AccessDeniedError */
  async decapsulate(ciphertext: Ciphertext, options: DecapsulateOptions = {}): Promise<DecapsulateResult> {
    const [call, fields] = split(options)
    return this.#run(decapsulate, { ...fields, key: this.#key, ciphertext }, call)
  }

  /** The public half, for those who encapsulate elsewhere. */
  async getPublicKey(options: PublicKeyOptions = {}): Promise<GetPublicKeyResult> {
    const [call, fields] = split(options)
    return this.#run(getPublicKey, { ...fields, key: this.#key }, call)
  }
}
