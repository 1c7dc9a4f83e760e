import { z } from 'zod'
import { randomBytesOf } from '../../crypto/randomness.ts'
import { wipe } from '../../internal/bytes.ts'
import { dataKey } from '../../envelope/suite.ts'
import type { Walk } from '../../runtime.ts'
import type { EncodedContext } from '../../stages.ts'
import { context, keyReference, type EncryptionContext } from './fields.ts'
import type { EncryptResult } from './messages.ts'
import { sealFor } from './sealing.ts'

/** A data key to make. */
export interface GenerateDataKeyRequest {
  /** The key that protects it: id or name. */
  readonly key: string
  /** What it is for. @defaultValue 'AES_256' */
  readonly spec?: 'AES_256' | 'AES_128' | undefined
  /** Its length, 1 to 1,024 bytes, instead of a spec. */
  readonly numberOfBytes?: number | undefined
  /** Pairs that must be given again to decrypt it; authenticated, not stored. @defaultValue none */
  readonly context?: EncryptionContext | undefined
}

/** A data key in clear and encrypted. */
export interface GenerateDataKeyResult extends EncryptResult {
  /** The key itself. Use it, then `fill(0)` it. */
  readonly plaintext: Buffer
}

const bytesOf = { AES_256: 32, AES_128: 16 } as const

/** The schema of {@link GenerateDataKeyRequest}. */
export const generateDataKeySchema = z
  .strictObject({
    key: keyReference,
    spec: z.enum(['AES_256', 'AES_128']).optional(),
    numberOfBytes: z.int().min(1).max(1024).optional(),
    context: context.optional(),
  })
  .refine((request) => request.spec === undefined || request.numberOfBytes === undefined, 'give spec or numberOfBytes')

/** Makes a data key. Whoever does not return its plaintext wipes it. */
export async function makeDataKey(walk: Walk, action: string, request: DataKeyPlan): Promise<GenerateDataKeyResult> {
  const length = request.numberOfBytes ?? bytesOf[request.spec ?? 'AES_256']
  const plaintext = randomBytesOf(walk.tools.random, length)
  const to = { action, key: request.key }
  try {
    return { plaintext, ...(await sealFor(walk, to, { suite: dataKey, plaintext, context: request.context })) }
  } catch (error) {
    wipe(plaintext)
    throw error
  }
}

interface DataKeyPlan {
  readonly key: string
  readonly spec?: 'AES_256' | 'AES_128' | undefined
  readonly numberOfBytes?: number | undefined
  readonly context?: EncodedContext | undefined
}
