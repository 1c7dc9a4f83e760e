import { constants, createPublicKey, publicEncrypt } from 'node:crypto'
import { createKms, generateRootKey, localRootKey, type DecryptRequest, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from '../support/outcomes.ts'
import { hex, imported } from './case.ts'
import { readVectors, whySkipped } from './vectors.ts'

const { RSA_PKCS1_PADDING: padding } = constants

/** Names under which libraries and services know the scheme. */
const names = [
  'RSAES_PKCS1_V1_5',
  'RSAES_PKCS1_v1_5',
  'RSAES-PKCS1-v1_5',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSA_PKCS1_PADDING',
  'RSA_PKCS1',
  'PKCS1_V1_5',
  'PKCS1',
  'pkcs1',
  'pkcs1v15',
  'RSA1_5',
  'RSA/ECB/PKCS1Padding',
  'RSA_NO_PADDING',
  'NONE',
  '',
  padding,
  null,
  ['RSAES_OAEP_SHA_256', 'RSA1_5'],
  { name: 'RSAES-PKCS1-v1_5' },
] as const

/** Fields under which the padding might be asked for. */
const fields: readonly object[] = [
  { padding },
  { encryptionAlgorithm: 'RSAES_PKCS1_V1_5' },
  { encryptionScheme: 'pkcs1' },
  { EncryptionAlgorithm: 'RSAES_PKCS1_V1_5' },
  { oaepHash: null },
  { options: { padding } },
  { envelope: 'pkcs1' },
]

describe('RSA decryption with PKCS #1 v1.5', () => {
  let kms: Kms
  let key: string
  let ciphertext: Buffer

  beforeAll(async () => {
    kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
    key = (await kms.keys.create({ spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' })).id as string
    const publicKey = createPublicKey((await kms.getPublicKey({ key })).pem)
    ciphertext = publicEncrypt({ key: publicKey, padding }, Buffer.from('a secret of an older system'))
  })
  afterAll(async () => kms.close())

  test('B30 opens nothing by default, nor by the algorithms that there are', async () => {
    for (const algorithm of [undefined, 'RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1'] as const) {
      expect(await codeOf(kms.decrypt({ key, ciphertext, algorithm }))).toBe('INVALID_CIPHERTEXT')
    }
  })

  test.each(names)('B30 cannot be asked for as the algorithm %j', async (algorithm) => {
    const request = { key, ciphertext, algorithm } as unknown as DecryptRequest
    expect(await codeOf(kms.decrypt(request))).toBe('INVALID_REQUEST')
    const { key: _, ciphertext: __, ...options } = request
    expect(await codeOf(kms.key(key).decrypt(ciphertext, options))).toBe('INVALID_REQUEST')
    const { items } = await kms.decryptMany({ items: [{ key, ciphertext }] })
    expect(items).toMatchObject([{ ok: false, error: { code: 'INVALID_CIPHERTEXT' } }])
    expect(await codeOf(kms.decryptMany({ items: [request] }))).toBe('INVALID_REQUEST')
  })

  test.each(fields)('B30 cannot be asked for by %j', async (field) => {
    expect(await codeOf(kms.decrypt({ key, ciphertext, ...field }))).toBe('INVALID_REQUEST')
    expect(await codeOf(kms.key(key).decrypt(ciphertext, field))).toBe('INVALID_REQUEST')
    expect(await codeOf(kms.encrypt({ key, plaintext: 'x', ...field }))).toBe('INVALID_REQUEST')
  })

  test('B30 is not reached through other verbs either', async () => {
    expect(await codeOf(kms.decryptDataKey({ key, ciphertext }))).toBe('INVALID_CIPHERTEXT')
    expect(await codeOf(kms.reEncrypt({ key, ciphertext }))).toBe('INVALID_CIPHERTEXT')
    const { id } = await kms.keys.create({ spec: 'RSA_2048', usage: 'SIGN_VERIFY' })
    expect(await codeOf(kms.decrypt({ key: id as string, ciphertext }))).toBe('INVALID_KEY_USAGE')
  })

  test('B30 and nothing inherited asks for it', async () => {
    const inherited = Object.create({ padding, algorithm: 'RSA1_5' }) as object
    expect(await codeOf(kms.decrypt(Object.assign(inherited, { key, ciphertext })))).toBe('INVALID_CIPHERTEXT')
  })

  test('B30 opens no message of the vectors of Wycheproof, valid or not', async (context) => {
    if (whySkipped !== undefined) context.skip(whySkipped)
    let asked = 0
    for (const group of readVectors('rsa_pkcs1_2048_test.json')) {
      const material = { format: 'pkcs8', bytes: hex(group, 'privateKeyPkcs8') } as const
      const theirs = await imported(kms, { spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT', material })
      for (const each of theirs === undefined ? [] : group.tests) {
        asked++
        for (const algorithm of ['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1'] as const) {
          const opening = kms.decrypt({ key: theirs as string, ciphertext: hex(each, 'ct'), algorithm })
          expect([each.tcId, await codeOf(opening)]).toEqual([each.tcId, 'INVALID_CIPHERTEXT'])
        }
      }
    }
    expect(asked).toBe(67)
  })
})
