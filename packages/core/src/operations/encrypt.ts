import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { encryptFields, type EncryptRequest, type EncryptResult } from './shared/messages.ts'
import { encryptMessage } from './shared/sealing.ts'

const schema = z.strictObject(encryptFields)

/** Encrypts one message under the current version of a key. */
export const encrypt: UseOperation<EncryptRequest, z.output<typeof schema>, EncryptResult> = {
  action: 'encrypt',
  effect: 'use',
  schema,
  perform: (request, walk) => encryptMessage(walk, request),
}
