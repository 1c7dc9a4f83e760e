import type { DecryptRequest, Kms } from '@chatelaine/core'
import { asked, hex, imported, type Case, type Family } from './case.ts'

/** RSAES-OAEP. Labels and other hashes of the mask are no part of a request: such a ciphertext must not open. */
const oaep: Family = {
  prepare: async (kms, group) => {
    const material = { format: 'pkcs8', bytes: hex(group, 'privateKeyPkcs8') } as const
    const spec = `RSA_${String(group['keySize'])}`
    const key = await imported(kms, { spec, usage: 'ENCRYPT_DECRYPT', material })
    if (key === undefined) return async () => 'key refused'
    const algorithm = `RSAES_OAEP_${(group['sha'] as string).replace('-', '_')}`
    return async (each) => {
      let same = true
      const request = { key, algorithm, ciphertext: hex(each, 'ct') } as DecryptRequest
      const outcome = await asked(opens(kms, request, (plaintext) => (same = plaintext.equals(hex(each, 'msg')))))
      return same ? outcome : 'other result'
    }
  },
}

async function opens(kms: Kms, request: DecryptRequest, look: (plaintext: Buffer) => unknown): Promise<boolean> {
  look((await kms.decrypt(request)).plaintext)
  return true
}

/** A CM1 message consists of these, but its contexts begin with its header: no other can be asked for. */
const chunked: Family = {
  prepare: async (kms, group) => {
    const spec = group['aead'] === 'AEAD_AES_256_GCM' ? 'AES_256' : 'AES_128'
    return async (each: Case) => {
      const material = { format: 'raw', bytes: hex(each, 'key') } as const
      const key = await imported(kms, { spec, usage: 'ENCRYPT_DECRYPT', material })
      return key === undefined ? 'key refused' : 'inexpressible'
    }
  },
  // Of a spec that does not exist every key is refused: that says nothing about this one.
  blames: ({ flags = [] }, { aead }) =>
    aead === 'AEAD_AES_256_GCM' && flags.includes('InvalidKeySize') ? 'key' : undefined,
}

/** Decryption. */
export const encryptionFamilies: Readonly<Record<string, Family>> = {
  RsaesOaepDecrypt: oaep,
  ChunkedEncryption: chunked,
}
