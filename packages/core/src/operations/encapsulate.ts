import { z } from 'zod'
import { encapsulateFor } from '../crypto/agreement.ts'
import type { UseOperation } from '../runtime.ts'
import { keyReference } from './shared/fields.ts'
import { requirePair } from './shared/opening.ts'

/** A key to make a secret for. */
export interface EncapsulateRequest {
  /** The key: id or name. */
  readonly key: string
}

/** A fresh secret, in clear and for the holder of the key. */
export interface EncapsulateResult {
  /** The secret, 32 uniformly random bytes. Use it, then `fill(0)` it. */
  readonly sharedSecret: Buffer
  /** What `decapsulate` arrives at the same secret with. */
  readonly ciphertext: Buffer
  /** The key that it is for. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
}

const schema = z.strictObject({ key: keyReference })

/** Makes a secret that the current version of a key can be asked for again (ML-KEM). */
export const encapsulate: UseOperation<EncapsulateRequest, z.output<typeof schema>, EncapsulateResult> = {
  action: 'encapsulate',
  effect: 'use',
  schema,
  perform: async ({ key }, walk) => {
    const target = { action: 'encapsulate', key, usage: 'ENCAPSULATE_DECAPSULATE', need: 'protect' } as const
    const material = requirePair(await walk.material(target))
    return { ...encapsulateFor(material.pair.publicKey), keyId: material.keyId, keyVersion: material.keyVersion }
  },
}
