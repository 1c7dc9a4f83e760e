import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { verifyFields, verifySignature, type VerifyRequest, type VerifyResult } from './shared/signing.ts'

const schema = z.strictObject(verifyFields)

/** Verifies one signature: the inverse of `sign`. */
export const verify: UseOperation<VerifyRequest, z.output<typeof schema>, VerifyResult> = {
  action: 'verify',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const result = await verifySignature(walk, request)
    walk.note({ valid: result.valid })
    return result
  },
}
