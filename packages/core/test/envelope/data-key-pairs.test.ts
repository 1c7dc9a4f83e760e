import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { DataKeyPairSpec, GenerateDataKeyPairRequest, Randomness } from '../../src/index.ts'
import { systemRandomness } from '../../src/crypto/randomness.ts'
import { seededRandomness } from '../../src/testing.ts'
import { allocations } from '../support/allocations.ts'
import { codeOf, latestRecord } from '../support/envelope-kms.ts'
import { expectCode, makeGate, makeWorld, recordOf, turns } from '../support/kms.ts'

const specs: readonly (readonly [DataKeyPairSpec, string, object])[] = [
  ['RSA_2048', 'rsa', { modulusLength: 2048, publicExponent: 65_537n }],
  ['RSA_3072', 'rsa', { modulusLength: 3072, publicExponent: 65_537n }],
  ['RSA_4096', 'rsa', { modulusLength: 4096, publicExponent: 65_537n }],
  ['ECC_NIST_P256', 'ec', { namedCurve: 'prime256v1' }],
  ['ECC_NIST_P384', 'ec', { namedCurve: 'secp384r1' }],
  ['ECC_NIST_P521', 'ec', { namedCurve: 'secp521r1' }],
  ['ECC_SECG_P256K1', 'ec', { namedCurve: 'secp256k1' }],
  ['ECC_NIST_EDWARDS25519', 'ed25519', {}],
  ['X25519', 'x25519', {}],
]
const context = { device: '7' }
const random: { -readonly [name in keyof Randomness]: Randomness[name] } = { ...systemRandomness }

async function world() {
  const made = await makeWorld({ random })
  const { id } = await made.kms.keys.create({ name: 'k', spec: 'AES_256' })
  return { ...made, id: id! }
}

describe('a data key pair', () => {
  test.each(specs)(
    'S1-01 of %s is a PKCS#8 private key and an SPKI public key that belong together',
    async (spec, type, details) => {
      const { kms, id } = await world()
      const made = await kms.generateDataKeyPair({ key: 'k', spec, context })
      expect(made).toMatchObject({ keyId: id, keyVersion: 1, spec })
      const privateKey = createPrivateKey({ key: made.plaintext, format: 'der', type: 'pkcs8' })
      expect([privateKey.asymmetricKeyType, privateKey.asymmetricKeyDetails]).toEqual([type, details])
      expect(createPublicKey(privateKey).export({ format: 'der', type: 'spki' })).toEqual(made.publicKey)
      const publicKey = createPublicKey({ key: made.publicKey, format: 'der', type: 'spki' })
      if (type === 'x25519') {
        const other = generateKeyPairSync('x25519')
        const ours = diffieHellman({ privateKey, publicKey: other.publicKey })
        expect(diffieHellman({ privateKey: other.privateKey, publicKey })).toEqual(ours)
      } else {
        const hash = type === 'ed25519' ? null : 'sha256'
        expect(verify(hash, Buffer.from('m'), publicKey, sign(hash, Buffer.from('m'), privateKey))).toBe(true)
      }
    },
    30_000,
  )

  test.each(['ECC_NIST_P256', 'X25519', 'RSA_2048'] as const)(
    'A3 of %s is sealed as suite 0x83, which decryptDataKey opens and decrypt does not',
    async (spec) => {
      const { kms, id } = await world()
      const { plaintext, ciphertext } = await kms.generateDataKeyPair({ key: 'k', spec, context })
      expect(ciphertext[3]).toBe(0x83)
      expect(await kms.decryptDataKey({ ciphertext, context })).toEqual({ plaintext, keyId: id, keyVersion: 1 })
      expect(await codeOf(kms.decrypt({ ciphertext, context }))).toBe('INVALID_CIPHERTEXT')
      expect(await codeOf(kms.decryptDataKey({ ciphertext }))).toBe('INVALID_CIPHERTEXT')
      const asDataKey = Buffer.from(ciphertext)
      asDataKey[3] = 0x82
      expect(await codeOf(kms.decryptDataKey({ ciphertext: asDataKey, context }))).toBe('INVALID_CIPHERTEXT')
    },
  )

  test('P4 without plaintext has its private half sealed only, and leaves none behind', async () => {
    const { kms } = await world()
    const traces = watchMemory()
    const request = { key: 'k', spec: 'X25519', context } as const
    const result = await kms.generateDataKeyPairWithoutPlaintext(request)
    const seed = traces.seed()
    expect(Object.keys(result).toSorted()).toEqual(['ciphertext', 'keyId', 'keyVersion', 'publicKey', 'spec'])
    expect(traces.holding(seed)).toEqual([])
    const { plaintext } = await kms.decryptDataKey({ ciphertext: result.ciphertext, context })
    expect(plaintext.includes(seed)).toBe(true)
    const publicKey = createPublicKey(createPrivateKey({ key: plaintext, format: 'der', type: 'pkcs8' }))
    expect(publicKey.export({ format: 'der', type: 'spki' })).toEqual(result.publicKey)
  })

  test('P4 with plaintext leaves the one that is handed out, and no other', async () => {
    const { kms } = await world()
    const traces = watchMemory()
    const { plaintext } = await kms.generateDataKeyPair({ key: 'k', spec: 'X25519' })
    expect(traces.holding(traces.seed())).toEqual([plaintext])
  })

  test('is made for nobody who may not have it, and costs nobody the time', async () => {
    const { kms } = await world()
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['generateDataKey', 'decryptDataKey'] })
    const generate = vi.spyOn(random, 'fill')
    onTestFinished(() => generate.mockRestore())
    generate.mockClear()
    for (const client of [kms.as('app'), kms.as('nobody')]) {
      await expectCode(client.generateDataKeyPair({ key: 'k', spec: 'X25519' }), 'ACCESS_DENIED')
      await expectCode(client.generateDataKeyPairWithoutPlaintext({ key: 'k', spec: 'X25519' }), 'ACCESS_DENIED')
    }
    expect(generate).not.toHaveBeenCalled()
  })

  test('P3 of a principal that is revoked while it is made is not handed out', async () => {
    const gate = makeGate('transact')
    const world = await makeWorld({}, gate.hook)
    await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
    const other = await world.again()
    const grant = await other.grants.create({ principal: 'app', key: 'k', operations: ['generateDataKeyPair'] })
    const app = world.kms.as('app')
    const request = { key: 'k', spec: 'RSA_2048' } as const
    expect((await app.generateDataKeyPair(request)).spec).toBe('RSA_2048')
    gate.shut()
    const waiting = app.generateDataKeyPair(request)
    await other.grants.revoke({ grant: grant.id })
    gate.open()
    await expectCode(waiting, 'ACCESS_DENIED')
  })

  test('is made once, however often its operation is done again because the key is rotated meanwhile', async () => {
    const gate = makeGate('transact')
    const seeded = seededRandomness('pairs')
    const fill = vi.spyOn(seeded, 'fill')
    const world = await makeWorld({ random: seeded }, gate.hook)
    await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
    const other = await world.again({ random: seededRandomness('other') })
    gate.shut()
    fill.mockClear()
    const waiting = world.kms.generateDataKeyPair({ key: 'k', spec: 'X25519' })
    await turns()
    await other.keys.rotate({ key: 'k' })
    gate.open()
    const { ciphertext, plaintext, keyVersion } = await waiting
    expect(keyVersion).toBe(2)
    expect((await world.kms.decryptDataKey({ ciphertext })).plaintext).toEqual(plaintext)
    expect(fill.mock.calls.map(([bytes]) => bytes.byteLength)).toEqual([32, 24, 24])
  })

  test('that is given up while it is made is not answered, and the next one is', async () => {
    const { kms } = await world()
    const stop = new AbortController()
    const waiting = kms.generateDataKeyPair({ key: 'k', spec: 'RSA_3072' }, { signal: stop.signal })
    await turns(1)
    stop.abort()
    await expectCode(waiting, 'ABORTED')
    expect((await kms.generateDataKeyPair({ key: 'k', spec: 'ECC_NIST_P256' })).spec).toBe('ECC_NIST_P256')
  })

  test('is recorded with its spec, and never with its bytes', async () => {
    const made = await world()
    const { kms, id } = made
    const record = await recordOf(made, async () => kms.generateDataKeyPair({ key: 'k', spec: 'X25519', context }))
    expect(record).toMatchObject({ action: 'generateDataKeyPair', status: 'SUCCESS', keyId: id, keyVersion: 1 })
    expect(record.details).toEqual({ spec: 'X25519' })
    expect(record.context).toHaveLength(1)
    const { plaintext } = await kms.key('k').generateDataKeyPair({ spec: 'X25519' })
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      expect(JSON.stringify(await latestRecord(kms))).not.toContain(plaintext.subarray(-32).toString(encoding))
    }
  })

  test.each([
    { spec: 'RSA_1024' },
    { spec: 'AES_256' },
    { spec: 'HMAC_256' },
    { spec: 'ML_KEM_768' },
    { spec: 'toString' },
    { spec: undefined },
    { spec: 'X25519', workshop: {} },
    { spec: 'X25519', numberOfBytes: 32 },
    { spec: 'X25519', key: undefined },
  ])('is not made of %j', async (plan) => {
    const { kms } = await world()
    const request = { key: 'k', ...plan } as GenerateDataKeyPairRequest
    await expectCode(kms.generateDataKeyPair(request), 'INVALID_REQUEST')
    await expectCode(kms.generateDataKeyPairWithoutPlaintext(request), 'INVALID_REQUEST')
  })

  test('B36 is not sealed by a key pair, and not by a key for something else', async () => {
    const { kms } = await world()
    await kms.keys.create({ name: 'rsa', spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' })
    await kms.keys.create({ name: 'mac', spec: 'HMAC_256' })
    for (const key of ['rsa', 'mac']) {
      await expectCode(kms.generateDataKeyPair({ key, spec: 'X25519' }), 'INVALID_KEY_USAGE')
    }
  })
})

/** Remembers the buffers that are made from now on, and the 32 random bytes that the first of them was filled with. */
function watchMemory(): { readonly seed: () => Buffer; readonly holding: (seed: Buffer) => Buffer[] } {
  const seeds: Buffer[] = []
  const made = allocations()
  const { fill } = random
  const filled = vi.spyOn(random, 'fill').mockImplementation((bytes) => {
    fill(bytes)
    seeds.push(Buffer.from(bytes))
  })
  const restore = (): void => {
    filled.mockRestore()
  }
  onTestFinished(restore)
  return {
    seed: () => {
      restore()
      return seeds.find((bytes) => bytes.length === 32)!
    },
    holding: (seed) => made.filter((bytes) => bytes.includes(seed)),
  }
}
