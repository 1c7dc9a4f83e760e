import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
} from 'node:crypto'
import type { GetParametersForImportResult, Kms, KmsClient, WrappingAlgorithm } from '../../src/index.ts'

/** A pair that keys are exported to. */
export const recipientPair = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** Its public half, in SubjectPublicKeyInfo DER. */
export const recipient: Buffer = recipientPair.publicKey.export({ type: 'spki', format: 'der' })

const padding = constants.RSA_PKCS1_OAEP_PADDING
const initialValue = Buffer.from('A65959A6', 'hex')

/** RSA-OAEP with SHA-256, as whoever brings a key does it. */
export function oaep(publicKey: Uint8Array, bytes: Uint8Array): Buffer {
  const key = createPublicKey({ key: Buffer.from(publicKey), type: 'spki', format: 'der' })
  return publicEncrypt({ key, padding, oaepHash: 'sha256' }, bytes)
}

/** AES-KWP under any key. */
export function kwp(key: Uint8Array, bytes: Uint8Array): Buffer {
  const cipher = createCipheriv(`id-aes${key.length * 8}-wrap-pad`, key, initialValue)
  return Buffer.concat([cipher.update(bytes), cipher.final()])
}

/** Wraps material by an algorithm. */
export function wrap(algorithm: WrappingAlgorithm, publicKey: Uint8Array, bytes: Uint8Array): Buffer {
  if (algorithm === 'RSAES_OAEP_SHA_256') return oaep(publicKey, bytes)
  const key = randomBytes(32)
  return Buffer.concat([oaep(publicKey, key), kwp(key, bytes)])
}

/** What was exported to the recipient. */
export function unwrapExported(algorithm: WrappingAlgorithm, wrapped: Buffer): Buffer {
  const open = (bytes: Buffer): Buffer =>
    privateDecrypt({ key: recipientPair.privateKey, padding, oaepHash: 'sha256' }, bytes)
  if (algorithm === 'RSAES_OAEP_SHA_256') return open(wrapped)
  const decipher = createDecipheriv('id-aes256-wrap-pad', open(wrapped.subarray(0, 256)), initialValue)
  return Buffer.concat([decipher.update(wrapped.subarray(256)), decipher.final()])
}

/** How most tests wrap. */
export const kwpAlgorithm = 'RSA_AES_KEY_WRAP_SHA_256'

/** Parameters for an import under a small wrapping key, which is made quickly. */
export async function parameters(
  client: Kms | KmsClient,
  key: string,
  wrappingAlgorithm: WrappingAlgorithm = kwpAlgorithm,
): Promise<GetParametersForImportResult> {
  return client.keys.getParametersForImport({ key, wrappingAlgorithm, wrappingKeySpec: 'RSA_2048' })
}

/** The request that imports material, with the parameters for it. */
export function importOf(
  key: string,
  material: Uint8Array,
  { publicKey, importToken }: GetParametersForImportResult,
): { key: string; encryptedKeyMaterial: Buffer; importToken: Buffer; wrappingAlgorithm: 'RSA_AES_KEY_WRAP_SHA_256' } {
  const encryptedKeyMaterial = wrap(kwpAlgorithm, publicKey, material)
  return { key, encryptedKeyMaterial, importToken, wrappingAlgorithm: kwpAlgorithm }
}

/** The steps of RFC 3394 section 2.2.1 with any initial value of 8 bytes: what AES-KW and AES-KWP have in common. */
export function keyWrapWith(key: Uint8Array, initial: Uint8Array, bytes: Uint8Array): Buffer {
  let integrity = Buffer.from(initial)
  const blocks = Array.from({ length: bytes.length / 8 }, (_, at) => Buffer.from(bytes.subarray(at * 8, at * 8 + 8)))
  for (let round = 0; round < 6; round++) {
    for (const [at, block] of blocks.entries()) {
      const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
      const out = cipher.update(Buffer.concat([integrity, block]))
      integrity = Buffer.from(out.subarray(0, 8))
      const step = blocks.length * round + at + 1
      integrity.writeUInt32BE((integrity.readUInt32BE(4) ^ step) >>> 0, 4)
      blocks[at] = Buffer.from(out.subarray(8))
    }
  }
  return Buffer.concat([integrity, ...blocks])
}
