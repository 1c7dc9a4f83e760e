import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { decryptFields, type DecryptRequest, type DecryptResult } from './shared/messages.ts'
import { decryptMessage } from './shared/sealing.ts'

const schema = z.strictObject(decryptFields)

/** Decrypts one message with the key version that it names: the inverse of `encrypt`. */
export const decrypt: UseOperation<DecryptRequest, z.output<typeof schema>, DecryptResult> = {
  action: 'decrypt',
  effect: 'use',
  schema,
  perform: async (request, walk) => decryptMessage(walk, request),
}
