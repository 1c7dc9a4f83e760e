import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KeySpec, KeyUsage } from '../../src/index.ts'
import { material, pending } from '../support/imports.ts'
import { makeWorld, outcomeOf, recordOf, type World } from '../support/kms.ts'
import { kwpAlgorithm, recipient } from '../support/wrapped-material.ts'

type Verb = readonly [spec: KeySpec, usage: KeyUsage, run: (world: World, key: string) => PromiseLike<unknown>]
const message = Buffer.from('m')
const verbs: Readonly<Record<string, Verb>> = {
  encrypt: ['AES_256', 'ENCRYPT_DECRYPT', async ({ kms }, key) => kms.encrypt({ key, plaintext: 'x' })],
  'encrypt by a pair': ['RSA_2048', 'ENCRYPT_DECRYPT', async ({ kms }, key) => kms.encrypt({ key, plaintext: 'x' })],
  'decrypt by a pair': [
    'RSA_2048',
    'ENCRYPT_DECRYPT',
    async ({ kms }, key) => kms.decrypt({ key, ciphertext: Buffer.alloc(256, 1) }),
  ],
  generateDataKey: ['AES_256', 'ENCRYPT_DECRYPT', async ({ kms }, key) => kms.generateDataKey({ key })],
  sign: ['ECC_NIST_P256', 'SIGN_VERIFY', async ({ kms }, key) => kms.sign({ key, message })],
  verify: ['ECC_NIST_P256', 'SIGN_VERIFY', async ({ kms }, key) => kms.verify({ key, message, signature: message })],
  generateMac: ['HMAC_256', 'GENERATE_VERIFY_MAC', async ({ kms }, key) => kms.generateMac({ key, message })],
  verifyMac: ['HMAC_256', 'GENERATE_VERIFY_MAC', async ({ kms }, key) => kms.verifyMac({ key, message, mac: message })],
  deriveSharedSecret: [
    'X25519',
    'KEY_AGREEMENT',
    async ({ kms }, key) =>
      kms.deriveSharedSecret({ key, publicKey: generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }) }),
  ],
  getPublicKey: ['ECC_NIST_P256', 'SIGN_VERIFY', async ({ kms }, key) => kms.getPublicKey({ key })],
  'keys.rotate': [
    'AES_256',
    'ENCRYPT_DECRYPT',
    async ({ kms }, key) => kms.keys.rotate({ key, material: { format: 'raw', bytes: material } }),
  ],
  'keys.disable': ['AES_256', 'ENCRYPT_DECRYPT', async ({ kms }, key) => kms.keys.disable({ key })],
  'keys.enable': ['AES_256', 'ENCRYPT_DECRYPT', async ({ kms }, key) => kms.keys.enable({ key })],
  'keys.revoke': ['AES_256', 'ENCRYPT_DECRYPT', async ({ kms }, key) => kms.keys.revoke({ key, reason: 'r' })],
  'keys.disable of a version': [
    'AES_256',
    'ENCRYPT_DECRYPT',
    async ({ kms }, key) => kms.keys.disable({ key, version: 1 }),
  ],
  'keys.cancelDeletion': ['AES_256', 'ENCRYPT_DECRYPT', async ({ kms }, key) => kms.keys.cancelDeletion({ key })],
  'keys.export': [
    'AES_256',
    'ENCRYPT_DECRYPT',
    async ({ kms }, key) => kms.keys.export({ key, publicKey: recipient, wrappingAlgorithm: kwpAlgorithm }),
  ],
}

describe('a key that is PendingImport', () => {
  test.each(Object.entries(verbs))('C43 refuses %s', async (_, [spec, usage, run]) => {
    const world = await makeWorld()
    const asked = { name: 'k', spec, usage, origin: 'EXTERNAL', exportable: true } as never
    await world.kms.keys.create(asked)
    const record = await recordOf(world, () => run(world, 'k'))
    expect(record).toMatchObject({ status: 'FAILURE', code: 'INVALID_KEY_STATE' })
  })

  test('C43 is described, listed, changed, granted and scheduled for deletion', async () => {
    const { kms } = await pending()
    expect((await kms.keys.listVersions({ key: 'k' })).items).toMatchObject([{ version: 1, state: 'current' }])
    expect((await kms.keys.list()).items).toMatchObject([{ state: 'PendingImport' }])
    expect((await kms.keys.update({ key: 'k', description: 'd' })).state).toBe('PendingImport')
    expect(await outcomeOf(kms.grants.create({ principal: 'p', key: 'k', operations: ['encrypt'] }))).toBe('ok')
    expect((await kms.keys.deleteImportedKeyMaterial({ key: 'k' })).state).toBe('PendingImport')
    expect((await kms.keys.scheduleDeletion({ key: 'k' })).state).toBe('PendingDeletion')
    const ensured = await kms.keys.ensure({ name: 'k', spec: 'AES_256', origin: 'EXTERNAL' })
    expect((await ensured.describe()).state).toBe('PendingDeletion')
  })
})
