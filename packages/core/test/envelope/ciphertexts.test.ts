import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Ciphertext, Kms } from '../../src/index.ts'
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

const decrypt = async (ciphertext: unknown): Promise<string> =>
  (await kms.decrypt({ ciphertext: ciphertext as Ciphertext })).plaintext.toString()

describe('a ciphertext', () => {
  it('A17 that is a huge text is refused before it is decoded', async () => {
    const decode = vi.spyOn(Buffer, 'from')
    const huge = 'Q00x'.repeat(2 ** 27 - 8)
    for (const call of [kms.decrypt({ ciphertext: huge }), kms.reEncrypt({ ciphertext: huge })]) {
      expect(await codeOf(call)).toBe('LIMIT_EXCEEDED')
    }
    const most = limit + 200 + (limit / 16_384 + 1) * 16
    expect(await codeOf(kms.decrypt({ ciphertext: 'Q'.repeat(Math.ceil((most * 4) / 3) + 1) }))).toBe('LIMIT_EXCEEDED')
    expect(decode.mock.calls.filter(([from]) => typeof from === 'string' && from.length > limit)).toEqual([])
  })

  it('A17 that is huge is refused before it is copied', async () => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow')
    const most = limit + 200 + (limit / 16_384 + 1) * 16
    for (const ciphertext of [new Uint8Array(most + 1), new Uint8Array(2 * limit)]) {
      expect(await codeOf(kms.decrypt({ ciphertext }))).toBe('LIMIT_EXCEEDED')
      expect(await codeOf(kms.decryptDataKey({ ciphertext }))).toBe('LIMIT_EXCEEDED')
    }
    expect(allocate.mock.calls.filter(([length]) => length > limit)).toEqual([])
  })

  it('A18 as text is read in one spelling only', async () => {
    const text = message.toString('base64url')
    expect(await decrypt(text)).toBe('plain')
    const standard = message.toString('base64')
    const bytes = Array.from({ length: 64 }, (_, at) => at)
    const lastChanged = bytes.map(
      (at) => text.slice(0, -1) + 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'[at],
    )
    const spellings = [
      standard.endsWith('=') ? standard : `${text}=`,
      `${text}==`,
      `${text}\n`,
      ` ${text}`,
      `${text.slice(0, 20)}\r\n${text.slice(20)}`,
      `${text.slice(0, 20)} ${text.slice(20)}`,
      `${text}A`,
      text.slice(0, -1),
      `data:${text}`,
      ...['+', '/', '.', '%2D', '\0', 'é'].map((odd) => text.slice(0, 40) + odd + text.slice(41)),
      ...lastChanged.filter((changed) => changed !== text),
    ]
    for (const ciphertext of spellings) {
      expect([ciphertext, await codeOf(kms.decrypt({ ciphertext }))]).toEqual([ciphertext, 'INVALID_CIPHERTEXT'])
    }
  })

  it.each<[string, unknown]>([
    ['a number', 5],
    ['null', null],
    ['nothing', undefined],
    ['an object', {}],
    ['an array of bytes', [1, 2, 3]],
    ['an ArrayBuffer', new ArrayBuffer(100)],
    ['a SharedArrayBuffer', new SharedArrayBuffer(100)],
    ['a DataView', new DataView(new ArrayBuffer(100))],
    ['wider numbers', new Uint16Array(100)],
    ['a boxed text', Object('Q00x')],
    ['what poses as bytes', Object.create(Uint8Array.prototype)],
    ['a proxy of bytes', new Proxy(new Uint8Array(100), {})],
  ])('A19 that is %s is refused', async (_, ciphertext) => {
    expect((await refusal(decrypt(ciphertext))).code).toBe('INVALID_REQUEST')
  })

  it('A19 is read where it lies, and not where its memory was given away', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(message.length + 4), 3, message.length)
    const resizable = new Uint8Array(new ArrayBuffer(message.length, { maxByteLength: 500 }))
    const inside = new Uint8Array(message.length + 20).subarray(11, 11 + message.length)
    for (const place of [shared, resizable, inside]) {
      place.set(message)
      expect(await decrypt(place)).toBe('plain')
    }
    const given = Uint8Array.from(message)
    structuredClone(given.buffer, { transfer: [given.buffer] })
    expect(['INVALID_REQUEST', 'INVALID_CIPHERTEXT']).toContain(await codeOf(decrypt(given)))
  })

  it('A19 that changes while it is opened is the one of the moment of the call', async () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(message.length))
    bytes.set(message)
    const request = { ciphertext: bytes as Ciphertext, context: {} }
    const call = kms.decrypt(request)
    bytes.fill(0)
    request.ciphertext = 'changed'
    expect((await call).plaintext.toString()).toBe('plain')
  })

  it('A20 is left as it was', async () => {
    const bytes = Uint8Array.from(message)
    await kms.decrypt({ ciphertext: bytes })
    await kms.reEncrypt({ ciphertext: bytes })
    expect(Buffer.from(bytes)).toEqual(message)
  })
})
