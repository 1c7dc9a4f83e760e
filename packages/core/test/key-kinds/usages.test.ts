import { describe, expect, test } from 'vitest'
import type { KeySpec, KeyUsage, KmsClient } from '../../src/index.ts'
import { keySpecs } from '../../src/keys/spec.ts'
import { expectCode, makeWorld, outcomeOf, recordsOf } from '../support/kms.ts'
import { kinds, make, nameOf } from './kinds.ts'

const world = await makeWorld()
const { kms } = world
for (const kind of kinds) await make(kms, kind, nameOf(kind))
await kms.keys.create({ name: 'AES_256/ENCRYPT_DECRYPT', spec: 'AES_256' })
const names = ['AES_256/ENCRYPT_DECRYPT', ...kinds.map(nameOf)]
const sealed = (await kms.encrypt({ key: 'AES_256/ENCRYPT_DECRYPT', plaintext: 'x' })).ciphertext
const peer = { kty: 'OKP', crv: 'X25519', x: '3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08' }

/** Every verb of some usage, as tried on a key that has another. */
const verbs: Readonly<Record<string, readonly [KeyUsage, (client: KmsClient, key: string) => Promise<unknown>]>> = {
  encrypt: ['ENCRYPT_DECRYPT', async (client, key) => client.encrypt({ key, plaintext: 'x' })],
  decrypt: ['ENCRYPT_DECRYPT', async (client, key) => client.decrypt({ key, ciphertext: Buffer.alloc(256) })],
  generateDataKey: ['ENCRYPT_DECRYPT', async (client, key) => client.generateDataKey({ key })],
  generateDataKeyWithoutPlaintext: [
    'ENCRYPT_DECRYPT',
    async (client, key) => client.generateDataKeyWithoutPlaintext({ key }),
  ],
  decryptDataKey: ['ENCRYPT_DECRYPT', async (client, key) => client.decryptDataKey({ key, ciphertext: sealed })],
  reEncrypt: ['ENCRYPT_DECRYPT', async (client, key) => client.reEncrypt({ key, ciphertext: sealed })],
  sign: ['SIGN_VERIFY', async (client, key) => client.sign({ key, message: 'x' })],
  verify: ['SIGN_VERIFY', async (client, key) => client.verify({ key, message: 'x', signature: 'AAAA' })],
  generateMac: ['GENERATE_VERIFY_MAC', async (client, key) => client.generateMac({ key, message: 'x' })],
  verifyMac: ['GENERATE_VERIFY_MAC', async (client, key) => client.verifyMac({ key, message: 'x', mac: 'AAAA' })],
  deriveSharedSecret: ['KEY_AGREEMENT', async (client, key) => client.deriveSharedSecret({ key, publicKey: peer })],
  encapsulate: ['ENCAPSULATE_DECAPSULATE', async (client, key) => client.encapsulate({ key })],
  decapsulate: ['ENCAPSULATE_DECAPSULATE', async (client, key) => client.decapsulate({ key, ciphertext: 'AAAA' })],
}

describe.each(Object.entries(verbs))('%s', (verb, [usage, run]) => {
  test.each(names.filter((name) => !name.endsWith(`/${usage}`)))('B36 refuses a key of %s', async (name) => {
    const records = await recordsOf(world, async () => expectCode(run(kms, name), 'INVALID_KEY_USAGE'))
    expect(records).toHaveLength(verb === 'reEncrypt' ? 2 : 1)
    const { id } = await kms.keys.get({ key: name })
    expect(records.at(-1)).toMatchObject({ status: 'FAILURE', code: 'INVALID_KEY_USAGE', keyId: id })
  })

  test('B36 is not told to whoever has no grant for it: that reads like a key that does not exist', async () => {
    const stranger = kms.as('stranger')
    const missing = await outcomeOf(run(stranger, 'no-such-key'))
    const texts = new Set<string>()
    for (const name of names) texts.add(String(await run(stranger, name).catch((error: Error) => error)))
    expect([missing, texts.size]).toEqual(['ACCESS_DENIED', 1])
    expect([...texts]).toEqual([String(await run(stranger, 'no-such-key').catch((error: Error) => error))])
  })
})

const usages = [
  'ENCRYPT_DECRYPT',
  'SIGN_VERIFY',
  'GENERATE_VERIFY_MAC',
  'KEY_AGREEMENT',
  'ENCAPSULATE_DECAPSULATE',
] as const

describe.each(Object.entries(keySpecs))('a key of %s', (spec, row) => {
  test.each(usages.filter((usage) => !row.usages.includes(usage)))('B36 cannot be made for %s', async (usage) => {
    const request = { spec, usage } as never as { spec: 'AES_256' }
    await expectCode(kms.keys.create(request), 'INVALID_REQUEST')
    await expectCode(kms.keys.ensure({ ...request, name: 'never' }), 'INVALID_REQUEST')
  })

  test('B36 has to be told what for, if there is a choice', async () => {
    if (row.usages.length === 1) return
    await expectCode(kms.keys.create({ spec } as never as { spec: 'AES_256' }), 'INVALID_REQUEST')
  })

  test.each(['', 'sign_verify', 'ENCRYPT', 'HOUSE', '__proto__', 'constructor', null, ['SIGN_VERIFY'], 1])(
    'B36 cannot be made for %j',
    async (usage) => {
      await expectCode(kms.keys.create({ spec, usage } as never as { spec: 'AES_256' }), 'INVALID_REQUEST')
    },
  )
})

test('B36 the usage of a key never changes: not by an update, not by ensure, not in the database', async () => {
  const key = 'X25519/KEY_AGREEMENT'
  await expectCode(kms.keys.update({ key, usage: 'SIGN_VERIFY' } as { key: string }), 'INVALID_REQUEST')
  await expectCode(kms.keys.update({ key, spec: 'HMAC_256' } as { key: string }), 'INVALID_REQUEST')
  const name = 'ECC_NIST_P256/SIGN_VERIFY'
  await expectCode(kms.keys.ensure({ name, spec: 'ECC_NIST_P256', usage: 'KEY_AGREEMENT' }), 'CONFLICT')
  const own = await makeWorld()
  await own.kms.keys.create({ name: 'p', spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' })
  await own.db.plant('keys', ({ name: found }) => found === 'p', { usage: 'KEY_AGREEMENT' })
  const again = await own.again()
  const public256 = (await kms.getPublicKey({ key: 'ECC_NIST_P256/KEY_AGREEMENT' })).publicKey
  await expectCode(again.deriveSharedSecret({ key: 'p', publicKey: public256 }), 'STORAGE_TAMPERED')
})

test.each<[KeySpec, KeySpec]>([
  ['RSA_2048', 'RSA_3072'],
  ['ECC_NIST_EDWARDS25519', 'X25519'],
  ['HMAC_256', 'HMAC_512'],
  ['HMAC_256', 'AES_256'],
  ['ML_DSA_44', 'ML_DSA_65'],
])('B36 a key of %s in the database is not taken for one of %s', async (spec, other) => {
  const own = await makeWorld()
  const usage = keySpecs[spec].usages.at(-1)!
  const id = await make(own.kms, { spec, usage } as never, 'p')
  await own.db.plant('keys', (row) => row['id'] === id, { spec: other, usage: keySpecs[other].usages.at(-1)! })
  const again = await own.again()
  const outcomes = await Promise.all(Object.values(verbs).map(async ([, run]) => outcomeOf(run(again, 'p'))))
  expect(outcomes.filter((outcome) => outcome === 'ok')).toEqual([])
  expect(outcomes).toContain('STORAGE_TAMPERED')
})

test('B36 the verbs of a handle are those of its usage, whatever the key is', async () => {
  const handle = kms.key('HMAC_256/GENERATE_VERIFY_MAC', 'SIGN_VERIFY')
  await expectCode(handle.sign('x'), 'INVALID_KEY_USAGE')
  expect('encrypt' in handle).toBe(false)
  expect('generateMac' in handle).toBe(false)
  for (const usage of ['', 'HOUSE', '__proto__', 'toString', null, 1] as never[]) {
    expect(() => kms.key('k', usage) as unknown).toThrow('no such key usage')
  }
})
