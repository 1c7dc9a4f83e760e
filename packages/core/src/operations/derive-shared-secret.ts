import { z } from 'zod'
import { sharedSecretOf } from '../crypto/agreement.ts'
import { InvalidRequestError } from '../errors.ts'
import { keySpecs } from '../keys/spec.ts'
import type { UseOperation } from '../runtime.ts'
import { keyReference, keyVersion } from './shared/fields.ts'
import { publicKey, type PublicKeyInput } from './shared/key-material.ts'
import { privateOf, requirePair } from './shared/opening.ts'

/** A secret to agree on with somebody. */
export interface DeriveSharedSecretRequest {
  /** The key: id or name. */
  readonly key: string
  /** The peer's public key, of the same kind: SubjectPublicKeyInfo in DER or PEM, or a JSON Web Key. */
  readonly publicKey: PublicKeyInput
  /** The version to agree with. @defaultValue the current one */
  readonly keyVersion?: number | undefined
}

/** A secret that only the two of you know. */
export interface DeriveSharedSecretResult {
  /** The raw secret: not uniformly random. Put it through a key derivation function, and wipe it with `fill(0)`. */
  readonly sharedSecret: Buffer
  /** The key that was agreed with. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
}

const schema = z.strictObject({ key: keyReference, publicKey, keyVersion: keyVersion.optional() })

/** Agrees on a secret with the holder of another key (ECDH, X25519). */
export const deriveSharedSecret: UseOperation<
  DeriveSharedSecretRequest,
  z.output<typeof schema>,
  DeriveSharedSecretResult
> = {
  action: 'deriveSharedSecret',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    // A former version is asked for data that was protected with it: that is processing.
    const need = request.keyVersion === undefined ? 'protect' : 'process'
    const target = { action: 'deriveSharedSecret', key: request.key, version: request.keyVersion, need } as const
    const material = requirePair(await walk.material({ ...target, usage: 'KEY_AGREEMENT' }))
    const peer = await keySpecs[material.spec].material.adopt(request.publicKey)
    if (peer.kind !== 'public') throw new InvalidRequestError('it is not a public key')
    const sharedSecret = sharedSecretOf(privateOf(material), request.publicKey.key)
    if (sharedSecret === undefined) throw new InvalidRequestError('there is no shared secret with this public key')
    return { sharedSecret, keyId: material.keyId, keyVersion: material.keyVersion }
  },
}
