import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'
import { reEncryptFields, type ReEncryptRequest, type ReEncryptResult } from './shared/messages.ts'
import { reEncryptMessage } from './shared/sealing.ts'

const schema = z.strictObject(reEncryptFields)

/** Puts one message under another key, version or context, without showing its plaintext. */
export const reEncrypt: UseOperation<ReEncryptRequest, z.output<typeof schema>, ReEncryptResult> = {
  action: 'reEncrypt',
  effect: 'use',
  schema,
  perform: async (request, walk) => reEncryptMessage(walk, request),
}
