import { z } from 'zod'
import { randomBytesOf } from '../../crypto/randomness.ts'
import { wipe } from '../../internal/bytes.ts'
import { dataKey } from '../../envelope/suite.ts'
import type { Walk } from '../../runtime.ts'
import { ownOnly } from '../../internal/own.ts'
import type { EncodedContext } from '../../stages.ts'
import { dataKeySpecNames, type DataKeySpec } from '../../state/rows.ts'
import { context, keyReference, type EncryptionContext } from './fields.ts'
import type { EncryptResult } from './messages.ts'
import { sealFor } from './sealing.ts'

/** A data key to make. */
export interface GenerateDataKeyRequest {
  /** The key that protects it: id or name. */
  readonly key: string
  /** What it is for. @defaultValue 'AES_256' */
  readonly spec?: DataKeySpec | undefined
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

/** The fields of {@link GenerateDataKeyRequest}, for schemas. */
export const dataKeyFields = {
  key: keyReference,
  spec: z.enum(dataKeySpecNames).optional(),
  numberOfBytes: z.int().min(1).max(1024).optional(),
  context: context.optional(),
}

/** Whether a data key is described in one way only. */
export function isOnePlan(request: Pick<DataKeyPlan, 'numberOfBytes' | 'spec'>): boolean {
  const { spec, numberOfBytes } = ownOnly(request)
  return spec === undefined || numberOfBytes === undefined
}

/** What is said of a request where {@link isOnePlan} is false. */
export const onePlan = 'give spec or numberOfBytes'

/** The schema of {@link GenerateDataKeyRequest}. */
export const generateDataKeySchema = z.strictObject({ ...dataKeyFields }).refine(isOnePlan, onePlan)

/** How many bytes a data key has. */
export function dataKeyLength({ numberOfBytes, spec }: Pick<DataKeyPlan, 'numberOfBytes' | 'spec'>): number {
  return numberOfBytes ?? bytesOf[spec ?? 'AES_256']
}

/** Makes a data key. Whoever does not return its plaintext wipes it. */
export async function makeDataKey(walk: Walk, action: string, request: DataKeyPlan): Promise<GenerateDataKeyResult> {
  const plaintext = randomBytesOf(walk.tools.random, dataKeyLength(request))
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
  readonly spec?: DataKeySpec | undefined
  readonly numberOfBytes?: number | undefined
  readonly context?: EncodedContext | undefined
}
