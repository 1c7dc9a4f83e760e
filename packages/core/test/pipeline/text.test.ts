import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isCiphertext, type Kms, type KmsError } from '../../src/index.ts'
import { expectCode, makeWorld, recordOf, recordsOf } from '../support/kms.ts'

async function withKey(): Promise<Kms> {
  const { kms } = await makeWorld()
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  return kms
}

describe('the text form', () => {
  test('gives base64url and takes it, or bytes, back', async () => {
    const kms = await withKey()
    for (const plaintext of ['', 'x', 'ü\u{1f511}', '\ufeffbom', 'a\0b', 'x'.repeat(20_000)]) {
      const stored = await kms.encryptText({ key: 'k', plaintext, context: { a: 'b' } })
      expect(stored).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(isCiphertext(stored)).toBe(true)
      expect(await kms.decryptText({ ciphertext: stored, context: { a: 'b' } })).toBe(plaintext)
      const bytes = Buffer.from(stored, 'base64url')
      expect(await kms.decryptText({ ciphertext: bytes, context: { a: 'b' } })).toBe(plaintext)
      await expectCode(kms.decryptText({ ciphertext: stored }), 'INVALID_CIPHERTEXT')
    }
  })

  test.each([Buffer.from('x'), 1, null, undefined, ['x']])('takes no %o', async (plaintext) => {
    const kms = await withKey()
    const error = await expectCode(kms.encryptText({ key: 'k', plaintext: plaintext as never }), 'INVALID_REQUEST')
    expect(error.message).toBe('encryptText takes a string')
    const handle = await expectCode(kms.key('k').encryptText(plaintext as never), 'INVALID_REQUEST')
    expect(handle.message).toBe('encryptText takes a string')
  })

  test('refuses what is not canonical', async () => {
    const kms = await withKey()
    const stored = await kms.encryptText({ key: 'k', plaintext: 'ab' })
    const others = [`${stored}=`, ` ${stored}`, `${stored}\n`, `${stored}A`, stored.slice(0, -1), '']
    for (const ciphertext of others) await expectCode(kms.decryptText({ ciphertext }), 'INVALID_CIPHERTEXT')
    const standard = Buffer.from(stored, 'base64url').toString('base64')
    if (standard !== stored) await expectCode(kms.decryptText({ ciphertext: standard }), 'INVALID_CIPHERTEXT')
  })

  test('of bytes that are no text is refused, without showing them', async () => {
    const kms = await withKey()
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: Buffer.from([0x63, 0x61, 0x6e, 0xff, 0xfe]) })
    const error = await expectCode(kms.decryptText({ ciphertext }), 'INVALID_REQUEST')
    expect(error.message).toBe('the plaintext is not UTF-8 text: use decrypt')
    expect(error.cause).toBeUndefined()
  })

  test('re-encrypts text to text', async () => {
    const kms = await withKey()
    await kms.keys.create({ name: 'other', spec: 'AES_256' })
    const stored = await kms.encryptText({ key: 'k', plaintext: 'x' })
    const moved = await kms.reEncryptText({ ciphertext: stored, key: 'other', newContext: { a: 'b' } })
    expect(moved).not.toBe(stored)
    expect(await kms.decryptText({ ciphertext: moved, context: { a: 'b' }, key: 'other' })).toBe('x')
  })

  test('comes back as it went in, whatever the text', async () => {
    const kms = await withKey()
    const texts = fc.string({ unit: fc.constantFrom('a', '\0', '\u{1f511}', '\ufeff', '\u2028', '"'), maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(texts, async (plaintext) => {
        const ciphertext = await kms.encryptText({ key: 'k', plaintext })
        expect(await kms.decryptText({ ciphertext })).toBe(plaintext)
      }),
      { numRuns: 25 },
    )
  })
})

describe('the JSON form', () => {
  test.each([null, 0, -1.5, '', 'x', true, [], [1, [2]], {}, { a: { b: [null] } }])('keeps %j', async (value) => {
    const kms = await withKey()
    const stored = await kms.encryptJson({ key: 'k', value, context: { a: 'b' } })
    expect(await kms.decryptJson({ ciphertext: stored, context: { a: 'b' } })).toEqual(value)
    const handle = kms.key('k')
    expect(await handle.decryptJson(await handle.encryptJson(value))).toEqual(value)
  })

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a bigint', 1n],
    [
      'a lone surrogate in a key',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('mine')
          },
        },
      ),
    ],
  ])('cannot express %s', async (_, value) => {
    const kms = await withKey()
    const error = await expectCode(kms.encryptJson({ key: 'k', value }), 'INVALID_REQUEST')
    expect(error.message).toBe('JSON cannot express this value')
    await expectCode(kms.key('k').encryptJson(value), 'INVALID_REQUEST')
  })

  test('cannot express a cycle', async () => {
    const kms = await withKey()
    const value: Record<string, unknown> = {}
    value['self'] = value
    await expectCode(kms.encryptJson({ key: 'k', value }), 'INVALID_REQUEST')
  })

  test('of a text that is no JSON is refused, without showing it', async () => {
    const kms = await withKey()
    const ciphertext = await kms.encryptText({ key: 'k', plaintext: 'canary{' })
    const error: KmsError = await expectCode(kms.decryptJson({ ciphertext }), 'INVALID_REQUEST')
    expect(error.message).toBe('the plaintext is not JSON: use decryptText')
    expect(error.cause).toBeUndefined()
    expect(error.stack).not.toContain('canary')
  })

  test('does not put a prototype on what it parses', async () => {
    const kms = await withKey()
    const ciphertext = await kms.encryptText({ key: 'k', plaintext: '{"__proto__":{"admin":true}}' })
    const value = (await kms.decryptJson({ ciphertext })) as Record<string, unknown>
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(value['admin']).toBeUndefined()
  })
})

test('text forms are recorded as the verbs that they are', async () => {
  const world = await makeWorld()
  const { kms } = world
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  let stored = ''
  const record = await recordOf(world, async () => {
    stored = await kms.encryptJson({ key: 'k', value: { a: 1 }, context: { t: '1' } }, { requestId: 'r' })
  })
  expect(record).toMatchObject({ action: 'encrypt', status: 'SUCCESS', requestId: 'r' })
  const opened = await recordsOf(world, () =>
    kms.decryptJson({ ciphertext: stored, context: { t: '1' } }, { requestId: 's' }),
  )
  expect(opened).toMatchObject([{ action: 'decrypt', status: 'SUCCESS', requestId: 's' }])
})
