import { z } from 'zod'
import { randomBytesOf } from '../crypto/randomness.ts'
import type { UseOperation } from '../runtime.ts'

/** Random bytes to make. */
export interface GenerateRandomRequest {
  /** How many, 1 to 1,024. */
  readonly numberOfBytes: number
}

/** Random bytes. */
export interface GenerateRandomResult {
  /** The bytes. */
  readonly plaintext: Buffer
}

const schema = z.strictObject({ numberOfBytes: z.int().min(1).max(1024) })

/** Makes random bytes from the operating system. */
export const generateRandom: UseOperation<GenerateRandomRequest, z.output<typeof schema>, GenerateRandomResult> = {
  action: 'generateRandom',
  effect: 'use',
  schema,
  perform: async ({ numberOfBytes }, walk) => {
    await walk.authorize('generateRandom')
    return { plaintext: randomBytesOf(walk.tools.random, numberOfBytes) }
  },
}
