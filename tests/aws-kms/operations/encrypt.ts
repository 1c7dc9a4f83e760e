import { seal } from '../keys.ts'
import { blob, context } from '../members.ts'
import type { Operation } from './operation.ts'

/** `Encrypt`, with a symmetric key. */
export const encrypt: Operation = (input, { keys }) => {
  const plaintext = blob(input, 'Plaintext', 4096)
  const key = keys.usable(input['KeyId'])
  const sealed = seal(key, plaintext, context(input))
  return { CiphertextBlob: sealed.toString('base64'), KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }
}
