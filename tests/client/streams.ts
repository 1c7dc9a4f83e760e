import { ReadableStream } from 'node:stream/web'
import type { ByteTransform } from '@chatelaine/core'
import { describe, expect, test } from 'vitest'
import type { HouseFactory } from './house.ts'

/** What clients do with streams of bytes. */
export function describeStreams(newHouse: HouseFactory): void {
  describe('Streams', () => {
    test.each([0, 1, 16_383, 16_384, 700_000])('%i bytes come back as they were', async (length) => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'files', spec: 'AES_256' })
      const plaintext = Buffer.from(Array.from({ length }, (_, i) => (i * 31) % 256))
      const context = { file: 'ä.pdf' }
      const sealed = await through([plaintext], admin.encryptStream({ key: 'files', context }))
      expect((await admin.decrypt({ ciphertext: sealed, context })).plaintext.equals(plaintext)).toBe(true)
      const opened = await through(pieces(sealed, 10_007), admin.decryptStream({ context }))
      expect(opened.equals(plaintext)).toBe(true)
      const { items } = await admin.audit.list({ action: 'encrypt' })
      expect(items.map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS'])
    })

    test('a stream of 8 MiB flows while it is being sent', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'files', spec: 'AES_256' })
      const chunk = Buffer.alloc(65_536, 3)
      const sealed = await through(
        Array.from({ length: 128 }, () => chunk),
        admin.encryptStream({ key: 'files' }),
      )
      expect(sealed.length).toBeGreaterThan(8 * 1024 * 1024)
      const opened = await through(pieces(sealed, 65_536), admin.decryptStream())
      expect(opened.length).toBe(8 * 1024 * 1024)
    })

    const wrong: [string, (sealed: Buffer) => Buffer, { request: object; expected: object }][] = [
      [
        'a key that there is not',
        (sealed) => sealed,
        { request: { key: 'nothing' }, expected: { code: 'KEY_NOT_FOUND' } },
      ],
      [
        'another context',
        (sealed) => sealed,
        { request: { context: { a: 'b' } }, expected: { code: 'INVALID_CIPHERTEXT' } },
      ],
      ['what is no message', () => Buffer.alloc(5000, 1), { request: {}, expected: { code: 'INVALID_CIPHERTEXT' } }],
      ['nothing', () => Buffer.alloc(0), { request: {}, expected: { code: 'INVALID_CIPHERTEXT' } }],
      [
        'a message that was cut off',
        (sealed) => sealed.subarray(0, 90_000),
        { request: {}, expected: { code: 'INVALID_CIPHERTEXT' } },
      ],
      [
        'a message that was changed near its end',
        (sealed) => flipped(sealed, sealed.length - 5),
        { request: {}, expected: { code: 'INVALID_CIPHERTEXT' } },
      ],
    ]
    test.each(wrong)('%s errors the stream as decrypt would', async (_, change, { request, expected }) => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'files', spec: 'AES_256' })
      const sealed = await through([Buffer.alloc(100_000, 9)], admin.encryptStream({ key: 'files' }))
      await expect(through(pieces(change(sealed), 4096), admin.decryptStream(request))).rejects.toMatchObject(expected)
    })

    test('who may not is refused, and nothing is made', async () => {
      const { admin, as } = await newHouse()
      await admin.keys.create({ name: 'files', spec: 'AES_256' })
      const stream = as('billing').encryptStream({ key: 'files' })
      await expect(through([Buffer.alloc(100)], stream)).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    })

    test('a request that is not valid is thrown at once', async () => {
      const { admin } = await newHouse()
      expect(() => admin.encryptStream({ key: 'a b' })).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
    })
  })
}

async function through(chunks: readonly Uint8Array[], stream: ByteTransform): Promise<Buffer> {
  const made: Uint8Array[] = []
  for await (const chunk of ReadableStream.from(chunks).pipeThrough(stream)) made.push(chunk)
  return Buffer.concat(made)
}

function pieces(bytes: Buffer, length: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) =>
    bytes.subarray(i * length, (i + 1) * length),
  )
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
