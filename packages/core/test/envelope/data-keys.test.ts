import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { contexts } from '../support/envelope-arbitraries.ts'
import { codeOf, latestRecord, openKms, scriptedRandomness } from '../support/envelope-kms.ts'

const random = scriptedRandomness('data keys')
let kms: Kms

beforeAll(async () => {
  kms = await openKms({ random })
  await kms.keys.create({ name: 'one', spec: 'AES_256' })
})
afterAll(async () => kms.close())

describe('a data key', () => {
  test.prop([fc.integer({ min: 1, max: 1024 }), contexts], { numRuns: 30 })(
    'J127 is decrypted as it was made, whatever its length and context',
    async (numberOfBytes, context) => {
      const { plaintext, ciphertext, keyId } = await kms.generateDataKey({ key: 'one', numberOfBytes, context })
      expect(plaintext).toHaveLength(numberOfBytes)
      expect(ciphertext).toHaveLength(numberOfBytes + 96)
      expect(ciphertext[3]).toBe(0x82)
      expect(await kms.decryptDataKey({ ciphertext, context })).toEqual({ plaintext, keyId, keyVersion: 1 })
      const text = ciphertext.toString('base64url')
      expect(await kms.key('one').decryptDataKey(text, { context })).toMatchObject({ plaintext })
      expect(await codeOf(kms.decryptDataKey({ ciphertext, context: { ...context, more: '' } }))).toBe(
        'INVALID_CIPHERTEXT',
      )
    },
  )

  it.each([
    [{}, 32],
    [{ spec: 'AES_256' }, 32],
    [{ spec: 'AES_128' }, 16],
    [{ numberOfBytes: 1 }, 1],
    [{ numberOfBytes: 1024 }, 1024],
  ] as const)('of %j has %i bytes', async (plan, length) => {
    expect((await kms.generateDataKey({ key: 'one', ...plan })).plaintext).toHaveLength(length)
    expect((await kms.key('one').generateDataKey(plan)).plaintext).toHaveLength(length)
    const { ciphertext } = await kms.generateDataKeyWithoutPlaintext({ key: 'one', ...plan })
    expect((await kms.decryptDataKey({ ciphertext })).plaintext).toHaveLength(length)
  })

  it.each([
    { numberOfBytes: 0 },
    { numberOfBytes: 1025 },
    { numberOfBytes: 16.5 },
    { numberOfBytes: Number.NaN },
    { numberOfBytes: '32' },
    { spec: 'AES_192' },
    { spec: 'AES_256', numberOfBytes: 32 },
    { spec: 'toString' },
  ])('is not made of %j', async (plan) => {
    const request = { key: 'one', ...plan } as Parameters<Kms['generateDataKey']>[0]
    expect(await codeOf(kms.generateDataKey(request))).toBe('INVALID_REQUEST')
    expect(await codeOf(kms.generateDataKeyWithoutPlaintext(request))).toBe('INVALID_REQUEST')
  })

  it('is random, and so is its salt', async () => {
    random.asked.length = 0
    random.tell('ab'.repeat(32), 'cd'.repeat(24))
    const { plaintext, ciphertext } = await kms.generateDataKey({ key: 'one' })
    expect(plaintext.toString('hex')).toBe('ab'.repeat(32))
    expect(ciphertext.toString('hex', 24, 48)).toBe('cd'.repeat(24))
    expect(random.asked).toEqual([32, 24])
  })

  it('without plaintext comes without, and leaves none behind', async () => {
    const fill = vi.spyOn(random, 'fill')
    const result = await kms.generateDataKeyWithoutPlaintext({ key: 'one', context: { a: 'b' } })
    const [[made] = []] = fill.mock.calls
    fill.mockRestore()
    expect(Object.keys(result).toSorted()).toEqual(['ciphertext', 'keyId', 'keyVersion'])
    expect(made).toEqual(Buffer.alloc(32))
    const { plaintext } = await kms.decryptDataKey({ ciphertext: result.ciphertext, context: { a: 'b' } })
    expect(plaintext).not.toEqual(Buffer.alloc(32))
  })

  it('A3 opens as a data key only, and a message as a message only', async () => {
    const { ciphertext } = await kms.generateDataKey({ key: 'one' })
    expect(await codeOf(kms.decrypt({ ciphertext }))).toBe('INVALID_CIPHERTEXT')
    expect((await latestRecord(kms)).reason).toBe('another verb opens this suite')
    for (const envelope of ['derived', 'wrapped'] as const) {
      const message = await kms.encrypt({ key: 'one', plaintext: 'm', envelope })
      expect(await codeOf(kms.decryptDataKey({ ciphertext: message.ciphertext }))).toBe('INVALID_CIPHERTEXT')
      expect((await latestRecord(kms)).reason).toBe('another verb opens this suite')
    }
  })

  it('is recorded by the verb that made or opened it, never with its bytes', async () => {
    const { plaintext, ciphertext } = await kms.generateDataKey({ key: 'one' })
    const made = await latestRecord(kms)
    await kms.generateDataKeyWithoutPlaintext({ key: 'one' })
    const sealed = await latestRecord(kms)
    await kms.decryptDataKey({ ciphertext })
    const opened = await latestRecord(kms)
    expect([made.action, sealed.action, opened.action]).toEqual([
      'generateDataKey',
      'generateDataKeyWithoutPlaintext',
      'decryptDataKey',
    ])
    for (const record of [made, sealed, opened]) {
      expect(record.status).toBe('SUCCESS')
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        expect(JSON.stringify(record)).not.toContain(plaintext.toString(encoding))
      }
    }
  })

  it('is not made for whoever may only encrypt', async () => {
    await kms.grants.create({ principal: 'writer', key: 'one', operations: ['encrypt'] })
    const writer = kms.as('writer')
    expect(await codeOf(writer.generateDataKey({ key: 'one' }))).toBe('ACCESS_DENIED')
    expect(await codeOf(writer.generateDataKeyWithoutPlaintext({ key: 'one' }))).toBe('ACCESS_DENIED')
    const { ciphertext } = await kms.generateDataKey({ key: 'one' })
    expect(await codeOf(writer.decryptDataKey({ ciphertext }))).toBe('ACCESS_DENIED')
  })

  it('that nobody may have leaves no bytes behind', async () => {
    const fill = vi.spyOn(random, 'fill')
    expect(await codeOf(kms.as('nobody').generateDataKey({ key: 'one' }))).toBe('ACCESS_DENIED')
    const buffers = fill.mock.calls.map(([bytes]) => Buffer.from(bytes))
    fill.mockRestore()
    expect(buffers.filter((bytes) => bytes.some((byte) => byte !== 0))).toEqual([])
  })
})
