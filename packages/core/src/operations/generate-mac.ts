import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { authenticate, generateMacFields, type GenerateMacRequest, type GenerateMacResult } from './shared/macs.ts'

const schema = z.strictObject(generateMacFields)

/** Makes the MAC of a message with the current version of a key. */
export const generateMac: UseOperation<GenerateMacRequest, z.output<typeof schema>, GenerateMacResult> = {
  action: 'generateMac',
  effect: 'use',
  schema,
  perform: async (request, walk) =>
    authenticate(walk, { action: 'generateMac', key: request.key, need: 'protect' }, request),
}
