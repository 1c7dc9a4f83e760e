import { z } from 'zod'
import { sha256 } from '../crypto/hash.ts'
import { pkcs8Of, type HalfKey } from '../crypto/key-pair.ts'
import { secretBytes } from '../crypto/secret-key.ts'
import { InvalidRequestError, LimitExceededError } from '../errors.ts'
import type { GivenMaterial } from '../crypto/fresh-material.ts'
import { wipe } from '../internal/bytes.ts'
import { keySpecs } from '../keys/spec.ts'
import type { UseOperation } from '../runtime.ts'
import type { Material, PairMaterial } from '../stages.ts'
import type { KeySpec, KeyUsage } from '../state/rows.ts'
import { keyReference, keyVersion } from './shared/fields.ts'
import { publicKey, type PublicKeyInput } from './shared/key-material.ts'
import { privateOf } from './shared/opening.ts'
import { wrappingAlgorithm, wrappingKeySpecs, type WrappingAlgorithm } from './shared/wrappings.ts'

/** A key to export. */
export interface ExportKeyRequest {
  /** The key: id or name. It was created `exportable`. */
  readonly key: string
  /** Its version. @defaultValue the current one */
  readonly version?: number | undefined
  /** Your RSA public key of 2,048, 3,072 or 4,096 bits: SubjectPublicKeyInfo in DER or PEM, or a JSON Web Key. */
  readonly publicKey: PublicKeyInput
  /** How to wrap the material under it. */
  readonly wrappingAlgorithm: WrappingAlgorithm
}

/** Exported key material. */
export interface ExportKeyResult {
  /** The wrapped material: secret bytes as they are, a private key in PKCS#8 DER. */
  readonly encryptedKeyMaterial: Buffer
  /** How it is wrapped. */
  readonly wrappingAlgorithm: WrappingAlgorithm
  /** The key that it is of. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
  /** What the key is. */
  readonly spec: KeySpec
  /** What the key is for. */
  readonly usage: KeyUsage
}

const schema = z.strictObject({
  key: keyReference,
  version: keyVersion.optional(),
  publicKey,
  wrappingAlgorithm,
})

/**
 * Lets the material of an exportable key out, wrapped. What a version still processes can leave: one that was disabled,
 * revoked or whose grace is over stays. The record names the public key by its hash.
 */
export const exportKey: UseOperation<ExportKeyRequest, z.output<typeof schema>, ExportKeyResult> = {
  action: 'exportKey',
  effect: 'use',
  schema,
  perform: async ({ key, version, publicKey: recipient, wrappingAlgorithm: wrapping }, walk) => {
    walk.note({ wrappingAlgorithm: wrapping.name, recipient: sha256(recipient.spki).toString('hex') })
    const target = { action: 'exportKey', key, version, usage: undefined, need: 'process', exports: true } as const
    const material = await walk.material(target)
    await requireStrong(recipient)
    const bytes = bytesOf(material)
    try {
      const encryptedKeyMaterial = wrapping.wrap(recipient.key, bytes, walk.tools.random)
      if (encryptedKeyMaterial === undefined) throw new LimitExceededError('it is too long for this algorithm and key')
      const { keyId, keyVersion: number, spec, usage } = material
      return { encryptedKeyMaterial, wrappingAlgorithm: wrapping.name, keyId, keyVersion: number, spec, usage }
    } finally {
      wipe(bytes)
    }
  },
}

/** The same is asked of it as of an RSA key that is brought. @throws InvalidRequestError */
async function requireStrong(recipient: GivenMaterial & { kind: 'public' }): Promise<void> {
  const bits = (recipient.key as HalfKey).asymmetricKeyDetails?.modulusLength
  const spec = wrappingKeySpecs.find((name) => name === `RSA_${bits}`)
  if (spec === undefined) throw new InvalidRequestError('the public key is no RSA key of 2,048, 3,072 or 4,096 bits')
  await keySpecs[spec].material.adopt(recipient)
}

function bytesOf(material: Material | PairMaterial): Buffer {
  return material.pair === undefined ? secretBytes(material.secret) : pkcs8Of(privateOf(material))
}
