import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { authenticate, matches, verifyMacFields, type VerifyMacRequest, type VerifyMacResult } from './shared/macs.ts'

const schema = z.strictObject(verifyMacFields)

/** Verifies a MAC: the inverse of `generateMac`. What does not fit is `valid: false`, whatever is wrong with it. */
export const verifyMac: UseOperation<VerifyMacRequest, z.output<typeof schema>, VerifyMacResult> = {
  action: 'verifyMac',
  effect: 'use',
  schema,
  perform: async (request, walk) => {
    const target = { action: 'verifyMac', key: request.key, need: 'process', version: request.keyVersion } as const
    const { mac: expected, ...named } = await authenticate(walk, target, request)
    const valid = matches(expected, request.mac)
    walk.note({ valid })
    return { valid, ...named }
  },
}
