import { z } from 'zod'
import type { FreshMaterial } from '../../crypto/fresh-material.ts'
import { emptyContext } from '../../envelope/context.ts'
import { privateKey } from '../../envelope/suite.ts'
import { copyBytes, wipe } from '../../internal/bytes.ts'
import { keySpecs } from '../../keys/spec.ts'
import type { Walk } from '../../runtime.ts'
import type { EncodedContext } from '../../stages.ts'
import { context, keyReference, type EncryptionContext } from './fields.ts'
import type { EncryptResult } from './messages.ts'
import { requireSecret } from './opening.ts'
import { sealUnder } from './sealing.ts'

/** Specs of key pairs that are made as data keys. */
export const dataKeyPairSpecNames = [
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'ECC_NIST_EDWARDS25519',
  'X25519',
] as const

/** What a key pair of the caller's is. */
export type DataKeyPairSpec = (typeof dataKeyPairSpecNames)[number]

/** A key pair to make. */
export interface GenerateDataKeyPairRequest {
  /** The key that protects its private half: id or name. */
  readonly key: string
  /** What it is. */
  readonly spec: DataKeyPairSpec
  /** Pairs that must be given again to decrypt it; authenticated, not stored. @defaultValue none */
  readonly context?: EncryptionContext | undefined
}

/** A key pair whose private half is encrypted. */
export interface GenerateDataKeyPairWithoutPlaintextResult extends EncryptResult {
  /** The public half: SubjectPublicKeyInfo in DER (RFC 5280). */
  readonly publicKey: Buffer
  /** What the pair is. */
  readonly spec: DataKeyPairSpec
}

/** A key pair whose private half is there in clear and encrypted. */
export interface GenerateDataKeyPairResult extends GenerateDataKeyPairWithoutPlaintextResult {
  /** The private half: PKCS#8 in DER (RFC 5208). Use it, then `fill(0)` it. */
  readonly plaintext: Buffer
}

/** Where a pair waits while its operation is done again: made once, and wiped with the request. */
export interface Workshop {
  made?: Pick<FreshMaterial, 'bytes' | 'publicKey'>
}

/** The schema of {@link GenerateDataKeyPairRequest}. */
export const dataKeyPairSchema = z
  .strictObject({ key: keyReference, spec: z.enum(dataKeyPairSpecNames), context: context.optional() })
  .transform((request): Plan => ({ ...request, workshop: {} }))

/** A request, and where its pair is made. */
export interface Plan {
  readonly key: string
  readonly spec: DataKeyPairSpec
  readonly context?: EncodedContext | undefined
  readonly workshop: Workshop
}

/**
 * Makes a key pair for a caller who may have one: nobody else costs the time that it takes. Whoever does not return its
 * plaintext wipes it.
 */
export async function makeDataKeyPair(walk: Walk, action: string, request: Plan): Promise<GenerateDataKeyPairResult> {
  const { key, spec, context: encoded = emptyContext } = request
  const target = { action, key, usage: 'ENCRYPT_DECRYPT', need: 'protect', context: encoded } as const
  const material = requireSecret(await walk.material(target))
  walk.note({ spec })
  const made = (request.workshop.made ??= await generate(walk, spec))
  const plaintext = copyBytes(made.bytes)
  try {
    const sealed = await sealUnder(walk, material, { suite: privateKey, plaintext, context: encoded })
    return { plaintext, publicKey: copyBytes(made.publicKey as Buffer), spec, ...sealed }
  } catch (error) {
    wipe(plaintext)
    throw error
  }
}

async function generate(walk: Walk, spec: DataKeyPairSpec): Promise<FreshMaterial> {
  const made = await keySpecs[spec].material.generate(walk.tools.random)
  try {
    // Whoever has given up meanwhile has wiped the request already: this would never be wiped with it.
    await walk.tools.timers.turn()
    return made
  } catch (error) {
    wipe(made.bytes)
    throw error
  }
}
