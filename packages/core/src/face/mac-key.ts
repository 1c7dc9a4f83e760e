import { generateMac } from '../operations/generate-mac.ts'
import { verifyMac } from '../operations/verify-mac.ts'
import type { Ciphertext, Plaintext } from '../operations/shared/fields.ts'
import type { GenerateMacRequest, GenerateMacResult } from '../operations/shared/macs.ts'
import type { VerifyMacRequest, VerifyMacResult } from '../operations/shared/macs.ts'
import { blindIndex } from '../operations/blind-index.ts'
import { blindIndexes, type BlindIndexesResult } from '../operations/blind-indexes.ts'
import type { BlindIndexRequest, BlindIndexResult } from '../operations/shared/blind-indexes.ts'
import type { CallOptions } from '../call.ts'
import { KeyHandle, split, type KeyIdentity } from './handle.ts'
import type { Run } from './run.ts'

/** Options of a handle's `generateMac`. */
export type GenerateMacOptions = Omit<GenerateMacRequest, 'key' | 'message'> & CallOptions

/** Options of a handle's `verifyMac`. */
export type VerifyMacOptions = Omit<VerifyMacRequest, 'key' | 'message' | 'mac'> & CallOptions

/** Options of a handle's `blindIndex` and `blindIndexes`. */
export type BlindIndexOptions = Omit<BlindIndexRequest, 'key' | 'value'> & CallOptions

/** A key of usage `GENERATE_VERIFY_MAC`. */
export class MacKey extends KeyHandle {
  readonly #run: Run
  readonly #key: string

  /** @internal */
  constructor(run: Run, identity: KeyIdentity) {
    super(run, identity)
    this.#run = run
    this.#key = identity.reference
  }

  /** Makes the MAC of a message, or of the UTF-8 bytes of a string. @throws AccessDeniedError, InvalidKeyStateError */
  async generateMac(message: Plaintext, options: GenerateMacOptions = {}): Promise<GenerateMacResult> {
    const [call, fields] = split(options)
    return this.#run(generateMac, { ...fields, key: this.#key, message }, call)
  }

  /** Verifies a MAC: one that does not fit is `valid: false`. @throws AccessDeniedError, InvalidKeyStateError */
  async verifyMac(message: Plaintext, mac: Ciphertext, options: VerifyMacOptions = {}): Promise<VerifyMacResult> {
    const [call, fields] = split(options)
    return this.#run(verifyMac, { ...fields, key: this.#key, message, mac }, call)
  }

  /** Makes the blind index of a value: the one to store. @throws AccessDeniedError, InvalidKeyStateError */
  async blindIndex(value: Plaintext, options: BlindIndexOptions): Promise<BlindIndexResult> {
    const [call, fields] = split(options)
    return this.#run(blindIndex, { ...fields, key: this.#key, value }, call)
  }

  /** Makes the blind indexes of a value by every usable version: those to look it up by. */
  async blindIndexes(value: Plaintext, options: BlindIndexOptions): Promise<BlindIndexesResult> {
    const [call, fields] = split(options)
    return this.#run(blindIndexes, { ...fields, key: this.#key, value }, call)
  }
}
