import { signInPool, verifyInPool, type SigningAlgorithm, type SigningOptions, type ToSign } from './signing.ts'
import type { KeyObject, SignKeyObjectInput } from 'node:crypto'

/** ML-DSA, hedged, over messages, with an optional context string (FIPS 204 sections 5.2 and 5.3). */
export const mlDsa: SigningAlgorithm = Object.freeze({
  name: 'ML_DSA_SHAKE_256',
  takesContext: true,
  sign: async (key: KeyObject, message: ToSign) => signInPool(null, message.bytes, inputOf(key, message)),
  verify: async (key: KeyObject, message: ToSign, signature: Buffer) =>
    verifyInPool({ hash: null, message: message.bytes, input: inputOf(key, message), signature }),
})

function inputOf(key: KeyObject, { context }: ToSign): SignKeyObjectInput {
  const input: SigningOptions & { key: KeyObject } = { key, ...(context === undefined ? {} : { context }) }
  return input as SignKeyObjectInput
}
