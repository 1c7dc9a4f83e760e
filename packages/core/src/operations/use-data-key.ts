import { z } from 'zod'
import { randomBytesOf } from '../crypto/randomness.ts'
import { emptyContext } from '../envelope/context.ts'
import { dataKey } from '../envelope/suite.ts'
import { copyBytes, wipe } from '../internal/bytes.ts'
import type { CachedDataKey } from '../keys/data-key-cache.ts'
import type { UseOperation, Walk } from '../runtime.ts'
import type { Material } from '../stages.ts'
import { dataKeyFields, dataKeyLength, isOnePlan, onePlan } from './shared/data-keys.ts'
import type { GenerateDataKeyRequest, GenerateDataKeyResult } from './shared/data-keys.ts'
import { requireSecret } from './shared/opening.ts'
import { sealUnder } from './shared/sealing.ts'

/** For what a data key is wanted, and how long one may be used again. */
export interface DataKeyScope extends GenerateDataKeyRequest {
  /** How old a data key may be, 1 ms to a day. @defaultValue 300,000: five minutes */
  readonly maxAgeMs?: number | undefined
  /** How many calls one may serve, up to 2^32. @defaultValue 1,000 */
  readonly maxMessages?: number | undefined
  /** How many bytes one may protect in all its calls, as they say. @defaultValue 1 GiB */
  readonly maxBytes?: number | undefined
  /** How many bytes this call is going to protect. @defaultValue 0 */
  readonly bytes?: number | undefined
}

/** A data key for one call. */
export interface LentDataKey extends GenerateDataKeyResult {
  /** Whether it was there already. It has been authorized and recorded all the same. */
  readonly isCached: boolean
}

/** The schema of {@link DataKeyScope}. */
export const dataKeyScopeSchema = z
  .strictObject({
    ...dataKeyFields,
    maxAgeMs: z.int().min(1).max(86_400_000).optional(),
    maxMessages: z.int().min(1).max(0x1_0000_0000).optional(),
    maxBytes: z.int().min(1).optional(),
    bytes: z.int().min(0).optional(),
  })
  .refine(isOnePlan, onePlan)
type Parsed = z.output<typeof dataKeyScopeSchema>

/**
 * Gives a data key: one that is there, if it is of the version that protects now, or else a new one. Either is
 * authorized and recorded as `generateDataKey`: what is there saves the sealing, and nothing else.
 */
export function useDataKey(cached: CachedDataKey | undefined): UseOperation<DataKeyScope, Parsed, LentDataKey> {
  return {
    action: 'generateDataKey',
    effect: 'use',
    schema: dataKeyScopeSchema,
    perform: async (request, walk) => {
      const { key, context = emptyContext } = request
      const target = { action: 'generateDataKey', key, usage: 'ENCRYPT_DECRYPT', need: 'protect', context } as const
      const material = requireSecret(await walk.material(target))
      if (cached?.keyId !== material.keyId || cached.keyVersion !== material.keyVersion) {
        return fresh(walk, material, request)
      }
      walk.note({ cached: true })
      const { plaintext, ciphertext, keyId, keyVersion } = cached
      const copies = { plaintext: copyBytes(plaintext), ciphertext: copyBytes(ciphertext) }
      return { ...copies, keyId, keyVersion, isCached: true }
    },
  }
}

async function fresh(walk: Walk, material: Material, request: Parsed): Promise<LentDataKey> {
  const plaintext = randomBytesOf(walk.tools.random, dataKeyLength(request))
  try {
    const sealed = await sealUnder(walk, material, { suite: dataKey, plaintext, context: request.context })
    return { plaintext, ...sealed, isCached: false }
  } catch (error) {
    wipe(plaintext)
    throw error
  }
}
