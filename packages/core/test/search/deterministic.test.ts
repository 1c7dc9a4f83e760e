import { describe, expect, test } from 'vitest'
import { sivOpen, sivSeal } from '../../src/crypto/siv.ts'
import { isCiphertext } from '../../src/index.ts'
import { expectCode, makeWorld, outcomeOf, recordOf } from '../support/kms.ts'
import { readOwn } from '../support/envelope-vectors.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const context = { table: 'customers', field: 'iban' }

async function world() {
  const made = await makeWorld()
  const key = await made.kms.keys.create({ name: 'siv', spec: 'AES_256_SIV' })
  return { ...made, key }
}

describe('AES-SIV', () => {
  // RFC 5297 appendix A.1 and A.2: those of the specification, with AES-128.
  test.each([
    {
      key: 'fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff',
      associated: ['101112131415161718191a1b1c1d1e1f2021222324252627'],
      plaintext: '112233445566778899aabbccddee',
      sealed: '85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c',
    },
    {
      key: '7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f',
      associated: [
        '00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100',
        '102030405060708090a0',
        '09f911029d74e35bd84156c5635688c0',
      ],
      plaintext: '7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553',
      sealed:
        '7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d',
    },
  ])('A25 is that of RFC 5297', ({ key, associated, plaintext, sealed }) => {
    const data = associated.map(hex)
    expect(sivSeal(hex(key), data, hex(plaintext)).toString('hex')).toBe(sealed)
    expect(sivOpen(hex(key), data, hex(sealed))?.toString('hex')).toBe(plaintext)
    expect(sivOpen(hex(key), data.toReversed().slice(1), hex(sealed))).toBeUndefined()
    expect(sivOpen(hex(key), data, hex(sealed).subarray(0, 15))).toBeUndefined()
  })
})

describe('deterministic encryption', () => {
  test.each(['', 'x', 'DE89 3704 0044 0532 0130 00', 'x'.repeat(16 * 1024)])(
    'gives back what it took',
    async (text) => {
      const { kms, key } = await world()
      const made = await key.deterministicEncrypt(text, { context })
      expect(made).toMatchObject({ keyId: key.id, keyVersion: 1 })
      expect(made.ciphertext).toHaveLength(24 + 32 + 16 + text.length)
      expect(isCiphertext(made.ciphertext) && isCiphertext(made.ciphertext.toString('base64url'))).toBe(true)
      const opened = await kms.deterministicDecrypt({ ciphertext: made.ciphertext.toString('base64url'), context })
      expect(opened).toMatchObject({ keyId: key.id, keyVersion: 1 })
      expect(opened.plaintext.toString()).toBe(text)
    },
  )

  test('is equal for equal values in one context, and for nothing else', async () => {
    const { key } = await world()
    const of = async (text: string, more: object = {}): Promise<string> =>
      (await key.deterministicEncrypt(text, { context: { ...context, ...more } })).ciphertext.toString('hex')
    const first = await of('a')
    expect(await of('a')).toBe(first)
    expect(new Set([first, await of('b'), await of('a', { field: 'bic' }), await of('')]).size).toBe(4)
    await key.rotate()
    expect(await of('a')).not.toBe(first)
    expect((await key.deterministicDecrypt(hex(first), { context })).keyVersion).toBe(1)
  })

  test('is refused with any bit changed, any byte missing, and another context', async () => {
    const { kms, key } = await world()
    const { ciphertext } = await key.deterministicEncrypt('value', { context })
    const codes = new Set<string>()
    for (let at = 0; at < ciphertext.length * 8; at++) {
      const changed = Buffer.from(ciphertext)
      changed[at >> 3]! ^= 1 << (at & 7)
      codes.add(await outcomeOf(kms.deterministicDecrypt({ ciphertext: changed, context })))
    }
    for (let length = 0; length < ciphertext.length; length++) {
      codes.add(await outcomeOf(kms.deterministicDecrypt({ ciphertext: ciphertext.subarray(0, length), context })))
    }
    codes.add(
      await outcomeOf(kms.deterministicDecrypt({ ciphertext: Buffer.concat([ciphertext, hex('00')]), context })),
    )
    codes.add(await outcomeOf(kms.deterministicDecrypt({ ciphertext })))
    codes.add(await outcomeOf(kms.deterministicDecrypt({ ciphertext: 'not base64url!', context })))
    expect([...codes]).toEqual(['INVALID_CIPHERTEXT'])
  })

  test('B36 is for keys made for it, which do nothing else', async () => {
    const { kms, key } = await world()
    const plain = await kms.keys.create({ name: 'plain', spec: 'AES_256' })
    const rsa = await kms.keys.create({ name: 'rsa', spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' })
    for (const other of [plain, rsa]) await expectCode(other.deterministicEncrypt('1'), 'INVALID_KEY_USAGE')
    const { ciphertext: message } = await plain.encrypt('1')
    const { ciphertext } = await key.deterministicEncrypt('1')
    const calls = [
      key.encrypt('1'),
      key.encrypt('1', { envelope: 'wrapped' }),
      key.generateDataKey(),
      key.reEncrypt(message),
      kms.encryptText({ key: 'siv', plaintext: '1' }),
      kms.generateDataKeyWithoutPlaintext({ key: 'siv' }),
    ]
    for (const call of calls) await expectCode(call, 'INVALID_KEY_USAGE')
    await expectCode(kms.decrypt({ ciphertext }), 'INVALID_CIPHERTEXT')
    await expectCode(kms.deterministicDecrypt({ ciphertext: message }), 'INVALID_CIPHERTEXT')
    const forged = Buffer.concat([message.subarray(0, 4), ciphertext.subarray(4, 24), message.subarray(24)])
    await expectCode(kms.decrypt({ ciphertext: forged }), 'INVALID_KEY_USAGE')
  })

  test('takes at most 16 KiB', async () => {
    const { key } = await world()
    await expectCode(key.deterministicEncrypt('x'.repeat(16 * 1024 + 1)), 'LIMIT_EXCEEDED')
  })

  test('D57 is allowed by grants of its own, by context, and recorded', async () => {
    const made = await world()
    const { kms, key } = made
    const constraints = { contextSubset: { field: 'iban' } }
    await kms.grants.create({ principal: 'app', key: 'siv', operations: ['deterministicEncrypt'], constraints })
    await kms.grants.create({ principal: 'all', key: 'siv', operations: ['encrypt', 'decrypt'] })
    const app = kms.as('app')
    const { ciphertext } = await app.deterministicEncrypt({ key: 'siv', plaintext: 'v', context })
    await expectCode(app.deterministicEncrypt({ key: 'siv', plaintext: 'v' }), 'ACCESS_DENIED')
    await expectCode(app.deterministicDecrypt({ ciphertext, context }), 'ACCESS_DENIED')
    await expectCode(kms.as('all').deterministicEncrypt({ key: 'siv', plaintext: 'v' }), 'ACCESS_DENIED')
    await kms.grants.create({ principal: 'app', key: 'siv', operations: ['deterministicDecrypt'] })
    const record = await recordOf(made, () => app.deterministicDecrypt({ ciphertext, context }))
    expect(record).toMatchObject({ action: 'deterministicDecrypt', status: 'SUCCESS', keyId: key.id, keyVersion: 1 })
    expect(record.context).toHaveLength(2)
  })

  test('ends with the state of its key, apart from what an admin gets away', async () => {
    const { kms, key } = await world()
    const { ciphertext } = await key.deterministicEncrypt('v')
    await kms.keys.revoke({ key: 'siv', reason: 'leaked' })
    await expectCode(key.deterministicEncrypt('v'), 'INVALID_KEY_STATE')
    await expectCode(key.deterministicDecrypt(ciphertext), 'INVALID_KEY_STATE')
    await expectCode(
      kms.as('app').deterministicDecrypt({ ciphertext, allowRevoked: true, reason: 'r' }),
      'ACCESS_DENIED',
    )
    const { plaintext } = await key.deterministicDecrypt(ciphertext, { allowRevoked: true, reason: 'rescue' })
    expect(plaintext.toString()).toBe('v')
  })
})

describe('our own CS1 vectors', () => {
  interface Vector {
    readonly id: number
    readonly keyId: string
    readonly keyVersion: number
    readonly material: string
    readonly context: Readonly<Record<string, string>>
    readonly plaintext: string
    readonly ciphertext: string
  }
  const { tests } = readOwn<{ tests: Vector[] }>('cs1.json')

  test.each(tests)('A25 $id is made byte by byte as it was, and opens', async (vector) => {
    const { sealDeterministic, openDeterministic } = await import('../../src/envelope/deterministic.ts')
    const { encodeContext } = await import('../../src/envelope/context.ts')
    const { secretKey } = await import('../../src/crypto/secret-key.ts')
    const { keyId, keyVersion } = vector
    const material = { keyId, keyVersion, secret: secretKey(hex(vector.material)) } as Parameters<
      typeof sealDeterministic
    >[0]
    const encoded = encodeContext(vector.context)
    expect(sealDeterministic(material, hex(vector.plaintext), encoded).toString('hex')).toBe(vector.ciphertext)
    expect(openDeterministic(material, hex(vector.ciphertext), encoded).toString('hex')).toBe(vector.plaintext)
  })
})
