import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { signFields, signMessage, type SignRequest, type SignResult } from './shared/signing.ts'

const schema = z.strictObject(signFields)

/** Signs one message with the current version of a key. */
export const sign: UseOperation<SignRequest, z.output<typeof schema>, SignResult> = {
  action: 'sign',
  effect: 'use',
  schema,
  perform: async (request, walk) => signMessage(walk, request),
}
