import { open } from '../keys.ts'
import { blob, context } from '../members.ts'
import { WireError } from '../wire.ts'
import type { Operation } from './operation.ts'

/** `Decrypt`, with a symmetric key: the ciphertext names it, and a request that names another is refused. */
export const decrypt: Operation = (input, { keys }) => {
  const sealed = blob(input, 'CiphertextBlob', 6144)
  const asked = input['KeyId'] === undefined ? undefined : keys.usable(input['KeyId'])
  const key = keys.ofCiphertext(sealed)
  if (asked !== undefined && asked !== key) {
    const told = 'The key ID in the request does not identify a CMK that can perform this operation.'
    throw new WireError('IncorrectKeyException', told)
  }
  const plaintext = open(key, sealed, context(input))
  return { KeyId: key.arn, Plaintext: plaintext.toString('base64'), EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }
}
