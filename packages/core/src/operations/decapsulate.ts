import { z } from 'zod'
import { decapsulateWith } from '../crypto/agreement.ts'
import { invalidCiphertext } from '../envelope/open.ts'
import { keySpecs } from '../keys/spec.ts'
import type { UseOperation } from '../runtime.ts'
import { ciphertext, keyReference, keyVersion, type Ciphertext } from './shared/fields.ts'
import { privateOf, requirePair } from './shared/opening.ts'

/** A secret to arrive at again. */
export interface DecapsulateRequest {
  /** The key: id or name. */
  readonly key: string
  /** What `encapsulate` returned, here or elsewhere: bytes, or their canonical base64url. */
  readonly ciphertext: Ciphertext
  /** The version that it was made for. @defaultValue the current one */
  readonly keyVersion?: number | undefined
}

/** A secret. */
export interface DecapsulateResult {
  /** The secret, 32 bytes. **Of a ciphertext that was changed it is another one**, and no error: FIPS 203 wants it so. */
  readonly sharedSecret: Buffer
  /** The key that it was for. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
}

const schema = z.strictObject({ key: keyReference, ciphertext, keyVersion: keyVersion.optional() })

/** Arrives at the secret of a ciphertext: the inverse of `encapsulate`. */
export const decapsulate: UseOperation<DecapsulateRequest, z.output<typeof schema>, DecapsulateResult> = {
  action: 'decapsulate',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const target = { action: 'decapsulate', key: request.key, version: request.keyVersion, need: 'process' } as const
    const material = requirePair(await walk.material({ ...target, usage: 'ENCAPSULATE_DECAPSULATE' }))
    const fits = request.ciphertext.length === keySpecs[material.spec].kem?.ciphertextBytes
    const sharedSecret = fits ? decapsulateWith(privateOf(material), request.ciphertext) : undefined
    if (sharedSecret === undefined) throw invalidCiphertext('the ciphertext is not of this kind of key')
    return { sharedSecret, keyId: material.keyId, keyVersion: material.keyVersion }
  },
}
