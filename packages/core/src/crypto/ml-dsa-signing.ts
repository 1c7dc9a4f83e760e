import { signInPool, verifyInPool, type SigningAlgorithm, type SigningInput, type ToSign } from './signing.ts'
import type { KeyObject } from 'node:crypto'
import { ownOnly } from '../internal/own.ts'

/** ML-DSA, hedged, over messages, with an optional context string (FIPS 204 sections 5.2 and 5.3). */
export const mlDsa: SigningAlgorithm = Object.freeze({
  name: 'ML_DSA_SHAKE_256',
  takesContext: true,
  sign: async (key: KeyObject, message: ToSign) => signInPool(null, message.bytes, inputOf(key, message)),
  verify: async (key: KeyObject, message: ToSign, signature: Buffer) =>
    verifyInPool({ hash: null, message: message.bytes, input: inputOf(key, message), signature }),
})

function inputOf(key: KeyObject, { context }: ToSign): SigningInput {
  return context === undefined ? key : (ownOnly({ key, context }) as SigningInput)
}
