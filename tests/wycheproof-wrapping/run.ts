import { constants, createHmac, createPublicKey, publicEncrypt } from 'node:crypto'
import type { GetParametersForImportResult, Kms } from '@chatelaine/core'
import { isKmsError } from '@chatelaine/core'
import type { Case } from './vectors.ts'

/**
 * What became of a wrapped key.
 *
 * - `accepted`: it was imported, and is the key that the case names.
 * - `refused`: it did not unwrap.
 * - `key refused`: it unwrapped to what no key of the spec is.
 * - `other key`: it was imported as something else.
 */
export type Outcome = 'accepted' | 'refused' | 'key refused' | 'other key'

const wrappingAlgorithm = 'RSA_AES_KEY_WRAP_SHA_256'

/** Where a case is imported into. */
export interface Waiting {
  readonly key: string
  readonly given: GetParametersForImportResult
}

/** A key that waits for its material: an HMAC key, since those are of nearly any length. */
export async function waiting(kms: Kms): Promise<Waiting> {
  const { id } = await kms.keys.create({ spec: 'HMAC_256', origin: 'EXTERNAL' })
  const key = id as string
  const given = await kms.keys.getParametersForImport({ key, wrappingAlgorithm, wrappingKeySpec: 'RSA_2048' })
  return { key, given }
}

/** Imports `RSA-OAEP(the case's key) ‖ the case's ciphertext`. Whatever is no refusal of those above is thrown. */
export async function imported(kms: Kms, { key, given }: Waiting, each: Case): Promise<Outcome> {
  const publicKey = createPublicKey({ key: given.publicKey, type: 'spki', format: 'der' })
  const oaep = { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const head = publicEncrypt(oaep, Buffer.from(each.key, 'hex'))
  const encryptedKeyMaterial = Buffer.concat([head, Buffer.from(each.ct, 'hex')])
  const { importToken } = given
  try {
    await kms.keys.importKeyMaterial({ key, encryptedKeyMaterial, importToken, wrappingAlgorithm })
  } catch (error) {
    if (isKmsError(error, 'INVALID_CIPHERTEXT')) return 'refused'
    if (isKmsError(error, 'INVALID_REQUEST')) return 'key refused'
    throw error
  }
  const { mac } = await kms.generateMac({ key, message: 'm' })
  return mac.equals(createHmac('sha256', Buffer.from(each.msg, 'hex')).update('m').digest()) ? 'accepted' : 'other key'
}

/** Whether it is what the author of the case demands. One that is left open may be refused. */
export function fits({ result }: Case, outcome: Outcome): boolean {
  return outcome === (result === 'valid' ? 'accepted' : 'refused')
}
