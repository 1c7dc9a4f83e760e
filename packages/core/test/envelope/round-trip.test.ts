import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isCiphertext, type Kms } from '../../src/index.ts'
import { contexts, envelopes, plaintexts } from '../support/envelope-arbitraries.ts'
import { codeOf, openKms } from '../support/envelope-kms.ts'

let kms: Kms

beforeAll(async () => {
  kms = await openKms()
  await kms.keys.create({ name: 'one', spec: 'AES_256' })
  await kms.keys.create({ name: 'two', spec: 'AES_256' })
})
afterAll(async () => kms.close())

const overhead = { derived: 80, wrapped: 184 } as const

describe('what was encrypted is decrypted again', () => {
  test.prop([plaintexts, contexts, envelopes], { numRuns: 30 })(
    'J127 whatever its size, encryption context and envelope, from bytes and from text',
    async (plaintext, context, envelope) => {
      const { ciphertext, keyId, keyVersion } = await kms.encrypt({ key: 'one', plaintext, context, envelope })
      const chunks = Math.floor(plaintext.length / 16_384) + 1
      expect(ciphertext).toHaveLength(overhead[envelope] + plaintext.length + 16 * chunks)
      const opened = await kms.decrypt({ ciphertext, context })
      expect(opened.plaintext.equals(plaintext)).toBe(true)
      expect(opened).toMatchObject({ keyId, keyVersion: 1 })
      expect(keyVersion).toBe(1)
      const text = await kms.decrypt({ ciphertext: ciphertext.toString('base64url'), context, key: 'one' })
      expect(text.plaintext.equals(plaintext)).toBe(true)
      expect(isCiphertext(ciphertext) && isCiphertext(ciphertext.toString('base64url'))).toBe(true)
    },
  )

  test.prop([fc.string({ unit: 'binary', maxLength: 40 }), contexts, envelopes], { numRuns: 40 })(
    'J127 as text, with every character of it',
    async (text, context, envelope) => {
      const stored = await kms.encryptText({ key: 'one', plaintext: text, context, envelope })
      expect(stored).toMatch(/^Q00x[A-Za-z0-9_-]+$/)
      expect(await kms.decryptText({ ciphertext: stored, context })).toBe(text)
      expect((await kms.decrypt({ ciphertext: stored, context })).plaintext.toString('utf8')).toBe(text)
    },
  )

  it('J127 as text with a byte order mark, NUL and line ends', async () => {
    const handle = kms.key('one')
    for (const text of ['\ufeffx', '\0', 'a\r\nb\n', '']) {
      expect(await handle.decryptText(await handle.encryptText(text))).toBe(text)
    }
  })

  test.prop([fc.jsonValue(), contexts], { numRuns: 30 })('J127 as JSON', async (value, context) => {
    const stored = await kms.encryptJson({ key: 'one', value, context })
    expect(await kms.decryptJson({ ciphertext: stored, context })).toEqual(JSON.parse(JSON.stringify(value)))
    const handle = kms.key('one')
    expect(await handle.decryptJson(await handle.encryptJson(value, { context }), { context })).toEqual(
      JSON.parse(JSON.stringify(value)),
    )
  })

  const items = fc.array(fc.tuple(fc.uint8Array({ maxLength: 50 }), contexts, envelopes), { maxLength: 12 })

  test.prop([items], { numRuns: 25 })('J127 as many at once, each with its own context', async (messages) => {
    const plain = messages.map(([plaintext, context, envelope], at) => ({
      key: at % 2 === 0 ? 'one' : 'two',
      plaintext,
      context,
      envelope,
      reference: `item ${at}`,
    }))
    const sealed = await kms.encryptMany({ items: plain })
    expect(sealed.items.map(({ ok, reference }) => [ok, reference])).toEqual(
      plain.map(({ reference }) => [true, reference]),
    )
    const opened = await kms.decryptMany({
      items: sealed.items.map((item, at) => ({
        ciphertext: item.ok ? item.ciphertext : '',
        context: plain[at]?.context,
        reference: item.reference,
      })),
    })
    expect(opened.items.map((item) => item.ok && [...item.plaintext])).toEqual(
      plain.map(({ plaintext }) => [...plaintext]),
    )
    expect(opened.items.map(({ reference }) => reference)).toEqual(plain.map(({ reference }) => reference))
  })

  test.prop([plaintexts, contexts, envelopes], { numRuns: 10 })(
    'J127 by a handle, for which the key is known',
    async (plaintext, context, envelope) => {
      const handle = kms.key('two')
      const { ciphertext } = await handle.encrypt(plaintext, { context, envelope })
      expect((await handle.decrypt(ciphertext, { context })).plaintext.equals(plaintext)).toBe(true)
      expect(await codeOf(kms.key('one').decrypt(ciphertext, { context }))).toBe('INVALID_CIPHERTEXT')
      const [sealed] = (await handle.encryptMany([{ plaintext, context, envelope }])).items
      const [opened] = (await handle.decryptMany([{ ciphertext: sealed?.ok ? sealed.ciphertext : '', context }])).items
      expect(opened?.ok && opened.plaintext.equals(plaintext)).toBe(true)
    },
  )

  it('after a rotation, with the version that it names', async () => {
    const key = await kms.keys.create({ name: 'rotating', spec: 'AES_256' })
    const sealed = []
    for (const version of [1, 2, 3]) {
      sealed.push(await key.encrypt(`version ${version}`))
      await key.rotate()
    }
    for (const [at, { ciphertext, keyVersion }] of sealed.entries()) {
      expect(keyVersion).toBe(at + 1)
      expect(await key.decrypt(ciphertext)).toMatchObject({
        plaintext: Buffer.from(`version ${at + 1}`),
        keyVersion: at + 1,
      })
    }
  })
})

describe('what was encrypted twice', () => {
  test.prop([fc.uint8Array({ maxLength: 50 }), contexts, envelopes], { numRuns: 30 })(
    'A11 differs in salt, commitment and ciphertext',
    async (plaintext, context, envelope) => {
      const one = (await kms.encrypt({ key: 'one', plaintext, context, envelope })).ciphertext
      const other = (await kms.encrypt({ key: 'one', plaintext, context, envelope })).ciphertext
      expect(one.subarray(0, 24)).toEqual(other.subarray(0, 24))
      const parts = envelope === 'derived' ? [24, 48, 80] : [24, 48, 80, 128, 152, 184]
      for (const [at, start] of parts.entries()) {
        const end = parts[at + 1] ?? one.length
        expect(one.subarray(start, end)).not.toEqual(other.subarray(start, end))
      }
    },
  )

  it('A26 a thousand times has a thousand salts and data keys', async () => {
    const random = new Set<string>()
    const items = Array.from({ length: 500 }, () => ({ key: 'one', plaintext: '', envelope: 'wrapped' as const }))
    for (const item of (await kms.encryptMany({ items })).items) {
      if (!item.ok) throw item.error
      random.add(item.ciphertext.toString('hex', 24, 48)).add(item.ciphertext.toString('hex', 128, 152))
      random.add(item.ciphertext.toString('hex', 80, 112))
    }
    expect(random.size).toBe(1500)
  })
})
