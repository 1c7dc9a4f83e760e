import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isCiphertext, type Kms } from '../../src/index.ts'
import { codeOf, latestRecord, openKms, refusal } from '../support/envelope-kms.ts'

let kms: Kms
let message: Buffer

beforeAll(async () => {
  kms = await openKms()
  await kms.keys.create({ name: 'one', spec: 'AES_256' })
  message = (await kms.encrypt({ key: 'one', plaintext: 'plain' })).ciphertext
})
afterAll(async () => kms.close())

describe('what is stored as text or JSON', () => {
  it('is refused where it is not what it should be', async () => {
    const bytes = (await kms.encrypt({ key: 'one', plaintext: Buffer.from([0xff, 0xfe]) })).ciphertext
    const notUtf8 = await refusal(kms.decryptText({ ciphertext: bytes }))
    expect([notUtf8.code, notUtf8.message]).toEqual(['INVALID_REQUEST', 'the plaintext is not UTF-8 text: use decrypt'])
    const secret = await kms.encryptText({ key: 'one', plaintext: 'a very secret text' })
    const notJson = await refusal(kms.decryptJson({ ciphertext: secret }))
    expect(notJson.code).toBe('INVALID_REQUEST')
    expect(notJson.message).not.toContain('secret')
    for (const plaintext of [5, Buffer.from('x'), undefined] as unknown as string[]) {
      expect(await codeOf(kms.encryptText({ key: 'one', plaintext }))).toBe('INVALID_REQUEST')
      expect(await codeOf(kms.key('one').encryptText(plaintext))).toBe('INVALID_REQUEST')
    }
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    for (const value of [undefined, () => 1, Symbol('s'), 1n, cycle, { toJSON: () => undefined }]) {
      expect(await codeOf(kms.encryptJson({ key: 'one', value }))).toBe('INVALID_REQUEST')
      expect(await codeOf(kms.key('one').encryptJson(value))).toBe('INVALID_REQUEST')
    }
  })

  it('is recognized by its beginning, and nothing else is', async () => {
    const text = message.toString('base64url')
    for (const ours of [message, text, Uint8Array.from(message)]) expect(isCiphertext(ours)).toBe(true)
    const cut = message.subarray(0, 95)
    const others = ['', 'plain', 'Q00x', text.slice(0, 127), `${text}=`, `${text}\n`, text.toLowerCase(), 'Q00xAQ', cut]
    const odd = [undefined, null, 5, {}, [], Buffer.alloc(0), Buffer.from(text), new ArrayBuffer(100), Object(text)]
    expect([...others, ...odd].filter((other) => isCiphertext(other))).toEqual([])
    const given = Uint8Array.from(message)
    structuredClone(given.buffer, { transfer: [given.buffer] })
    expect(isCiphertext(given)).toBe(false)
    expect(isCiphertext(Object.create(Uint8Array.prototype))).toBe(false)
  })
})

describe('a request that has another shape', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'one'],
    ['an array', []],
    ['a property more', { key: 'one', plaintext: 'p', algorithm: 'AES-128-ECB' }],
    ['a key that is no name', { key: 'a b', plaintext: 'p' }],
    ['an envelope that there is not', { key: 'one', plaintext: 'p', envelope: 'none' }],
    ['an envelope of a prototype', { key: 'one', plaintext: 'p', envelope: 'constructor' }],
    ['a suite', { key: 'one', plaintext: 'p', suite: 1 }],
    ['no key', { plaintext: 'p' }],
  ])('is refused, unrecorded: %s', async (_, request) => {
    const before = await latestRecord(kms)
    expect(await codeOf(kms.encrypt(request as Parameters<Kms['encrypt']>[0]))).toBe('INVALID_REQUEST')
    expect((await latestRecord(kms)).seq).toBe(before.seq + 1)
  })
})
