import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { messageKey, nonceOf, openChunks, sealChunks } from '../../src/crypto/chunked-encryption.ts'
import { secretKey } from '../../src/crypto/secret-key.ts'
import { OpenStream } from '../../src/envelope/open-stream.ts'
import { SealStream } from '../../src/envelope/seal-stream.ts'
import { isKmsError, type Kms } from '../../src/index.ts'
import { latestRecord, openKms } from '../support/envelope-kms.ts'
import { pattern, portionsOf, sourceOf, through, until } from '../support/streams.ts'

const chunk = 16_400
const begin = 128 + 56
const context = { file: 'a' }
let kms: Kms
let id: string
beforeAll(async () => {
  kms = await openKms()
  id = (await kms.keys.create({ name: 'k', spec: 'AES_256' })).id as string
  await kms.keys.create({ name: 'other', spec: 'AES_256' })
})
afterAll(async () => kms.close())

async function seal(plaintext: Uint8Array, key = 'k'): Promise<Buffer> {
  return through(kms.encryptStream({ key, context }), [plaintext])
}

/** What comes out of a message before it is refused; fails where it is not. */
async function refused(message: Buffer, portions = [5000], under = context): Promise<Buffer> {
  const { out, error } = await until(
    sourceOf(portionsOf(message, portions)).pipeThrough(kms.decryptStream({ context: under }) as never),
  )
  expect(isKmsError(error) ? error.code : error).toBe('INVALID_CIPHERTEXT')
  expect((error as Error).message).toBe('the ciphertext does not open')
  return out
}

describe('a stream that was cut off', () => {
  it('A14 errors wherever that was, without a byte of its last chunk', async () => {
    const message = await seal(Buffer.from('attack at dawn'))
    for (let length = 0; length < message.length; length++) {
      expect(await refused(message.subarray(0, length), [7])).toHaveLength(0)
    }
  })

  it('A14 at a chunk boundary errors at its end, and keeps erroring; what came out is what was verified', async () => {
    const plaintext = pattern(3 * 16_384 + 100)
    const message = await seal(plaintext)
    for (let chunks = 0; chunks <= 3; chunks++) {
      for (const more of [0, 1, 15, 16, 17]) {
        const out = await refused(message.subarray(0, begin + chunks * chunk + more))
        expect(out.equals(plaintext.subarray(0, chunks * 16_384))).toBe(true)
      }
    }
    const reader = sourceOf([message.subarray(0, begin + chunk)])
      .pipeThrough(kms.decryptStream({ context }) as never)
      .getReader()
    await reader.read()
    for (let time = 0; time < 3; time++) {
      await expect(reader.read()).rejects.toMatchObject({ code: 'INVALID_CIPHERTEXT' })
    }
    await expect(reader.closed).rejects.toMatchObject({ code: 'INVALID_CIPHERTEXT' })
    expect(await latestRecord(kms)).toMatchObject({
      action: 'decrypt',
      status: 'FAILURE',
      code: 'INVALID_CIPHERTEXT',
      reason: 'no message has this length',
      keyId: id,
      details: { streamPart: 'ended', bytesIn: begin + chunk, bytesOut: 16_384 },
    })
  })
})

describe('a stream that was changed', () => {
  it('A5 in any one byte errors, and nothing of a small one comes out', async () => {
    const message = await seal(Buffer.from('attack at dawn'))
    for (let at = 0; at < message.length; at++) {
      const copy = Buffer.from(message)
      copy[at]! ^= 1
      // A changed id or version is that of another key or version: the same error to an admin who asks for it.
      expect(await refused(copy, [64])).toHaveLength(0)
    }
  })

  it('A13 by swapping, repeating, dropping or adding chunks errors before the first wrong one', async () => {
    const plaintext = pattern(3 * 16_384 + 100)
    const message = await seal(plaintext)
    const head = message.subarray(0, begin)
    const chunks = [0, 1, 2].map((at) => message.subarray(begin + at * chunk, begin + (at + 1) * chunk))
    const [a, b, c] = chunks as [Buffer, Buffer, Buffer]
    const last = message.subarray(begin + 3 * chunk)
    const wrong: readonly (readonly [readonly Buffer[], number])[] = [
      [[head, b, a, c, last], 0],
      [[head, a, a, b, c, last], 1],
      [[head, a, c, last], 1],
      [[head, a, b, c, last, last], 3],
      [[head, a, b, c, last, Buffer.from([0])], 3],
      [[head, a, b, last], 2],
      [[head, last], 0],
      [[message, message], 3],
      [[head, a, b, c, c, last], 3],
    ]
    for (const [parts, whole] of wrong) {
      const out = await refused(Buffer.concat(parts), [chunk, 3, 70_000])
      expect(plaintext.subarray(0, out.length).equals(out)).toBe(true)
      expect(out.length).toBeLessThanOrEqual(whole * 16_384)
    }
    expect(await refused(Buffer.concat([head, a, b, last]), [chunk])).toHaveLength(2 * 16_384)
  })

  it('A13 by giving it the header of another key, or the body of another message, does not open', async () => {
    const [one, two] = [await seal(pattern(100)), await seal(pattern(100), 'other')]
    expect(await refused(Buffer.concat([two.subarray(0, 24), one.subarray(24)]))).toHaveLength(0)
    expect(await refused(Buffer.concat([two.subarray(0, 128), one.subarray(128)]))).toHaveLength(0)
    expect(await refused(one, [50], { file: 'b' })).toHaveLength(0)
  })

  it('A13 to another suite does not open', async () => {
    const message = await seal(pattern(100))
    for (const suite of [0x00, 0x01, 0x03, 0x82, 0x83, 0xff]) {
      const copy = Buffer.from(message)
      copy[3] = suite
      expect(await refused(copy)).toHaveLength(0)
    }
    const { ciphertext } = await kms.generateDataKeyWithoutPlaintext({ key: 'k', context })
    expect(await refused(ciphertext)).toHaveLength(0)
  })
})

describe('A15 the last chunks that there can be', () => {
  const message = () => messageKey(secretKey(Buffer.alloc(32, 1)), Buffer.alloc(24, 2), Buffer.alloc(4, 3))
  const last = 2 ** 32 - 1

  it('A15 have nonces of their own, and no others are made', () => {
    const base = Buffer.alloc(12, 0xff)
    const nonces = [0, 1, last - 1, last].map((index) => Buffer.from(nonceOf(base, index)).toString('hex'))
    expect(new Set(nonces).size).toBe(4)
    expect(() => nonceOf(base, last + 1)).toThrow(RangeError)
    const body = { plaintext: Buffer.from('end'), sealed: Buffer.alloc(19), begins: last }
    sealChunks(message(), body, { first: last, end: last + 1 })
    const out = { plaintext: Buffer.alloc(3), sealed: body.sealed, begins: last }
    expect(openChunks(message(), out, { first: last, end: last + 1 })).toBe(true)
    expect(openChunks(message(), { ...out, begins: last - 1 }, { first: last - 1, end: last })).toBe(false)
  })

  it('A15 are sealed and opened by a stream, which takes no chunk beyond them', () => {
    const sealing = new SealStream(message(), Buffer.alloc(0), last - 1)
    const opening = new OpenStream(message(), last - 1)
    const full = sealing.update(pattern(16_384))
    expect(opening.update(full).equals(pattern(16_384))).toBe(true)
    expect(() => sealing.update(pattern(16_384))).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }))
    expect(() => opening.update(full)).toThrow(expect.objectContaining({ code: 'INVALID_CIPHERTEXT' }))
    const end = sealing.final()
    expect(new OpenStream(message(), last).update(end)).toHaveLength(0)
    expect(opening.update(end)).toHaveLength(0)
    expect(opening.final()).toHaveLength(0)
  })
})
