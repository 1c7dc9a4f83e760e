import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Ciphertext, Kms, Plaintext } from '../../src/index.ts'
import { codeOf, openKms, refusal } from '../support/envelope-kms.ts'

const limit = 64 * 1024 * 1024
let kms: Kms
let message: Buffer

beforeAll(async () => {
  kms = await openKms()
  await kms.keys.create({ name: 'one', spec: 'AES_256' })
  message = (await kms.encrypt({ key: 'one', plaintext: 'plain' })).ciphertext
})
afterAll(async () => kms.close())
afterEach(() => vi.restoreAllMocks())

const encrypt = async (plaintext: unknown): Promise<Buffer> =>
  (await kms.encrypt({ key: 'one', plaintext: plaintext as Plaintext })).ciphertext
const decrypt = async (ciphertext: Ciphertext): Promise<string> =>
  (await kms.decrypt({ ciphertext })).plaintext.toString()

describe('a plaintext', () => {
  it.each([0, 1, 16_383, 16_384, 16_385, 32_768])('A16 of %i bytes is encrypted and decrypted', async (length) => {
    for (const envelope of ['derived', 'wrapped'] as const) {
      const plaintext = Buffer.alloc(length, 7)
      const { ciphertext } = await kms.encrypt({ key: 'one', plaintext, envelope })
      expect((await kms.decrypt({ ciphertext })).plaintext.equals(plaintext)).toBe(true)
    }
  })

  it('A16 beyond 64 MiB is refused before there is memory for it', async () => {
    const calls: readonly (() => Promise<unknown>)[] = [
      async () => encrypt(new Uint8Array(limit + 1)),
      async () => encrypt('x'.repeat(limit + 1)),
      async () => encrypt('€'.repeat(Math.ceil((limit + 1) / 3))),
      async () => kms.encryptText({ key: 'one', plaintext: 'x'.repeat(limit + 1) }),
      async () => kms.encryptMany({ items: [{ key: 'one', plaintext: new Uint8Array(limit + 1) }] }),
      async () => kms.key('one').encrypt(new Uint8Array(limit + 1)),
    ]
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow')
    for (const call of calls) {
      const error = await refusal(call())
      expect(error.code).toBe('LIMIT_EXCEEDED')
      expect(error.message).toContain('67108864')
    }
    expect(Math.max(0, ...allocate.mock.calls.map(([length]) => length))).toBeLessThanOrEqual(limit)
  })

  it.each<[string, unknown]>([
    ['a number', 5],
    ['null', null],
    ['nothing', undefined],
    ['an object', {}],
    ['an array of bytes', [1, 2, 3]],
    ['a boxed text', Object('text')],
    ['an ArrayBuffer', new ArrayBuffer(4)],
    ['a SharedArrayBuffer', new SharedArrayBuffer(4)],
    ['a DataView', new DataView(new ArrayBuffer(4))],
    ['wider numbers', new Uint16Array(2)],
    ['signed bytes', new Int8Array(2)],
    ['clamped bytes', new Uint8ClampedArray(2)],
    ['a text with a lone surrogate', 'a\ud800'],
    ['a Buffer that became JSON', Buffer.from('abc').toJSON()],
    ['what poses as bytes', Object.create(Uint8Array.prototype)],
    ['a proxy of bytes', new Proxy(new Uint8Array(2), {})],
  ])('A19 that is %s is refused', async (_, plaintext) => {
    const error = await refusal(encrypt(plaintext))
    expect(error.code).toBe('INVALID_REQUEST')
  })

  it('A19 of which the memory was given away is refused, and not taken for an empty one', async () => {
    const given = new Uint8Array(8).fill(7)
    structuredClone(given.buffer, { transfer: [given.buffer] })
    expect(await codeOf(encrypt(given))).toBe('INVALID_REQUEST')
  })

  it('A19 is read where it lies: in shared, resizable, larger memory', async () => {
    const bytes = Buffer.from('plain')
    const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 5)
    const resizable = new Uint8Array(new ArrayBuffer(5, { maxByteLength: 50 }))
    const inside = new Uint8Array(20).subarray(7, 12)
    for (const place of [shared, resizable, inside]) {
      place.set(bytes)
      expect(await decrypt(await encrypt(place))).toBe('plain')
    }
  })

  it('A20 is the one of the moment of the call', async () => {
    const plaintext = Buffer.from('plain')
    const context: Record<string, string> = { a: 'b' }
    const request = { key: 'one', plaintext, context, envelope: 'derived' as 'derived' | 'wrapped' }
    const call = kms.encrypt(request)
    plaintext.fill(0)
    context['a'] = 'c'
    context['more'] = 'd'
    request.envelope = 'wrapped'
    request.key = 'another'
    const { ciphertext } = await call
    expect(ciphertext[3]).toBe(0x01)
    expect((await kms.decrypt({ ciphertext, context: { a: 'b' } })).plaintext.toString()).toBe('plain')
  })

  it('A20 is left as it was, and so is its context', async () => {
    const plaintext = Buffer.from('plain')
    const context = { b: '1', a: '2' }
    await kms.encrypt({ key: 'one', plaintext, context })
    expect(plaintext.toString()).toBe('plain')
    expect(Object.entries(context)).toEqual([
      ['b', '1'],
      ['a', '2'],
    ])
  })

  it('A20 of many is the one of the moment of the call, item by item', async () => {
    const items = ['first', 'second'].map((one) => ({ key: 'one', plaintext: Buffer.from(one), context: { n: one } }))
    const call = kms.encryptMany({ items })
    for (const item of items) {
      item.plaintext.fill(0)
      item.context.n = 'changed'
    }
    items.length = 0
    const sealed = (await call).items
    expect(sealed).toHaveLength(2)
    for (const [at, n] of ['first', 'second'].entries()) {
      const item = sealed[at]
      if (item?.ok !== true) throw new Error('not encrypted')
      expect((await kms.decrypt({ ciphertext: item.ciphertext, context: { n } })).plaintext.toString()).toBe(n)
    }
  })

  it('and what becomes of it share no memory with the caller or with others', async () => {
    const { plaintext } = await kms.decrypt({ ciphertext: message })
    expect(plaintext.buffer.byteLength).toBe(plaintext.length)
    expect(message.buffer.byteLength).toBe(message.length)
    plaintext.fill(0)
    expect(await decrypt(message)).toBe('plain')
  })
})
