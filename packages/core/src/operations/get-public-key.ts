import { z } from 'zod'
import { jwkOf, pemOf, spkiOf, type JsonWebKey } from '../crypto/key-pair.ts'
import { keySpecs } from '../keys/spec.ts'
import type { UseOperation } from '../runtime.ts'
import type { PairMaterial } from '../stages.ts'
import type { KeySpec, KeyUsage } from '../state/rows.ts'
import { keyReference, keyVersion } from './shared/fields.ts'
import { requirePair } from './shared/opening.ts'

/** A public key to ask for. */
export interface GetPublicKeyRequest {
  /** The key: id or name. */
  readonly key: string
  /** Its version. @defaultValue the current one */
  readonly keyVersion?: number | undefined
}

/** The public half of a key version. */
export interface GetPublicKeyResult {
  /** SubjectPublicKeyInfo in DER (RFC 5280). */
  readonly publicKey: Buffer
  /** The same in PEM. */
  readonly pem: string
  /** The same as a JSON Web Key (RFC 7517). */
  readonly jwk: JsonWebKey
  /** The key that it is of. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
  /** What the key is. */
  readonly spec: KeySpec
  /** What the key is for. */
  readonly usage: KeyUsage
  /** Algorithms of signatures or ciphertexts, the default first; empty where there is no choice. */
  readonly algorithms: readonly string[]
}

const schema = z.strictObject({ key: keyReference, keyVersion: keyVersion.optional() })

/** Gives the public half of a key pair, whatever state the key is in. */
export const getPublicKey: UseOperation<GetPublicKeyRequest, z.output<typeof schema>, GetPublicKeyResult> = {
  action: 'getPublicKey',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const key = { key: request.key, version: request.keyVersion }
    const target = { action: 'getPublicKey', ...key, usage: undefined, need: 'describe' } as const
    const material = requirePair(await walk.material(target))
    const { keyId, keyVersion: number, spec, usage, pair } = material
    const named = { keyId, keyVersion: number, spec, usage, algorithms: algorithmsOf(material) }
    const { publicKey } = pair
    return { publicKey: spkiOf(publicKey), pem: pemOf(publicKey), jwk: jwkOf(publicKey), ...named }
  },
}

function algorithmsOf({ spec, usage }: PairMaterial): string[] {
  const { signing = [], encryption = [] } = keySpecs[spec]
  if (usage === 'SIGN_VERIFY') return signing.map(({ name }) => name)
  return usage === 'ENCRYPT_DECRYPT' ? encryption.map(({ name }) => name) : []
}
