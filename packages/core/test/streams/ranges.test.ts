import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Kms, ReadAt } from '../../src/index.ts'
import { envelopes } from '../support/envelope-arbitraries.ts'
import { dispatch } from '../../src/remote.ts'
import { codeOf, flipBit, latestRecord, openKms } from '../support/envelope-kms.ts'
import { pattern, through } from '../support/streams.ts'

const chunk = 16_400
const begin = 128 + 56
const context = { file: 'a' }
const plaintext = pattern(3 * 16_384 + 100)
let kms: Kms
let message: Buffer

beforeAll(async () => {
  kms = await openKms()
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  message = await through(kms.encryptStream({ key: 'k', context }), [plaintext])
})
afterAll(async () => kms.close())

/** A source that remembers what was read. */
function reading(bytes: Buffer): { read: ReadAt; readonly asked: [offset: number, length: number][] } {
  const asked: [number, number][] = []
  const read = async (offset: number, length: number): Promise<Buffer> => {
    asked.push([offset, length])
    return bytes.subarray(offset, offset + length)
  }
  return { read, asked }
}

describe('a range', () => {
  const lengths = fc.constantFrom(0, 1, 16_383, 16_384, 16_385, 32_768, 50_000)
  const positions = fc.oneof(fc.nat(60_000), fc.constantFrom(0, 16_383, 16_384, 16_385, 32_768))
  test.prop([lengths, fc.tuple(positions, positions), envelopes], { numRuns: 80 })(
    'A23 is what slicing the whole plaintext gives, read from bytes or in pieces',
    async (length, [one, two], envelope) => {
      const whole = pattern(length, one)
      const [start, end] = [Math.min(one, two), Math.max(one, two)]
      const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: whole, context, envelope })
      const range = await kms.decryptRange({ ciphertext, context, start, end })
      expect(range.plaintext.equals(whole.subarray(start, end))).toBe(true)
      expect(range.plaintextLength).toBe(length)
      const { read } = reading(ciphertext)
      const again = await kms.decryptRange({ ciphertext: read, size: ciphertext.length, context, start, end })
      expect(again).toEqual(range)
    },
  )

  it('A23 without bounds is all of it, and reads nothing but the chunks that it needs, and the last', async () => {
    expect((await kms.decryptRange({ ciphertext: message, context })).plaintext.equals(plaintext)).toBe(true)
    const { read, asked } = reading(message)
    await kms.decryptRange({ ciphertext: read, size: message.length, context, start: 16_384, end: 16_385 })
    expect(asked).toEqual([
      [0, 200],
      [begin + chunk, chunk],
      [begin + 3 * chunk, 116],
    ])
  })

  it('A23 of a file that is damaged elsewhere is right, and where it is damaged there is none', async () => {
    for (const damaged of [0, 1, 2]) {
      const ciphertext = flipBit(message, 8 * (begin + damaged * chunk + 77))
      for (const wanted of [0, 1, 2]) {
        const range = { ciphertext, context, start: wanted * 16_384 + 5, end: wanted * 16_384 + 10 }
        if (wanted === damaged) expect(await codeOf(kms.decryptRange(range))).toBe('INVALID_CIPHERTEXT')
        else
          expect((await kms.decryptRange(range)).plaintext).toEqual(
            Buffer.from(plaintext.subarray(range.start, range.end)),
          )
      }
    }
    const atTheEnd = flipBit(message, 8 * (message.length - 1))
    expect(await codeOf(kms.decryptRange({ ciphertext: atTheEnd, context, end: 1 }))).toBe('INVALID_CIPHERTEXT')
  })

  it('A23 of a file that was cut off is refused wherever that was, even for its first byte', async () => {
    const cuts = [
      message.length - 1,
      message.length - 16,
      begin + 3 * chunk + 16,
      begin + 3 * chunk,
      begin + 2 * chunk + 50,
    ]
    for (const length of [...cuts, begin + chunk, begin + 16, begin, 199, 128, 24, 3, 0]) {
      const ciphertext = message.subarray(0, length)
      expect(await codeOf(kms.decryptRange({ ciphertext, context, end: 1 }))).toBe('INVALID_CIPHERTEXT')
      const { read } = reading(ciphertext)
      const size = message.length
      expect(await codeOf(kms.decryptRange({ ciphertext: read, size, context, end: 1 }))).toBe('INVALID_CIPHERTEXT')
    }
    const moved = Buffer.concat([message.subarray(0, begin + chunk), message.subarray(begin + 3 * chunk)])
    expect(await codeOf(kms.decryptRange({ ciphertext: moved, context, end: 1 }))).toBe('INVALID_CIPHERTEXT')
  })

  it('is recorded once, with what was asked for', async () => {
    await kms.decryptRange({ ciphertext: message, context, start: 1, end: 2 })
    const details = { size: message.length, start: 1, end: 2 }
    expect(await latestRecord(kms)).toMatchObject({ action: 'decrypt', status: 'SUCCESS', keyVersion: 1, details })
    expect(await codeOf(kms.decryptRange({ ciphertext: message, context: {}, end: 1 }))).toBe('INVALID_CIPHERTEXT')
    expect(await latestRecord(kms)).toMatchObject({ action: 'decrypt', status: 'FAILURE', code: 'INVALID_CIPHERTEXT' })
  })

  it('A16 of more than 64 MiB is refused before it is read', async () => {
    const size = 200 * 1024 * 1024 + 1000
    const { read, asked } = reading(message)
    expect(await codeOf(kms.decryptRange({ ciphertext: read, size, context }))).toBe('LIMIT_EXCEEDED')
    expect(asked).toEqual([[0, 200]])
  })

  it('A16 of more than 64 MiB is refused also where somebody else has read the pieces', async () => {
    const size = 200 * 1024 * 1024 + 1000
    const pieces = { chunks: Buffer.alloc(0), last: Buffer.alloc(0) }
    const request = { ciphertext: message.subarray(0, 200), size, start: 0, end: size, pieces, context }
    expect(await codeOf(dispatch(kms, 'decryptRange', { request }))).toBe('LIMIT_EXCEEDED')
    const short = { ...request, end: 10 }
    expect(await codeOf(dispatch(kms, 'decryptRange', { request: short }))).toBe('INVALID_CIPHERTEXT')
  })

  it.each([2 ** 32, 2 ** 38])('A15 of a message of more than 2^32 chunks, such as %i, is none', async (chunks) => {
    const size = begin + chunks * chunk + 20
    const read: ReadAt = async (offset, length) => (offset === 0 ? message.subarray(0, length) : Buffer.alloc(length))
    expect(await codeOf(kms.decryptRange({ ciphertext: read, size, context, end: 1 }))).toBe('INVALID_CIPHERTEXT')
  })

  it('is refused for a source or bounds that make no sense', async () => {
    const { read } = reading(message)
    const wrong: readonly object[] = [
      { ciphertext: read },
      { ciphertext: message, size: 1 },
      { ciphertext: message.toString('base64url') },
      { ciphertext: message, start: 2, end: 1 },
      { ciphertext: message, start: -1 },
      { ciphertext: message, end: 1.5 },
      { ciphertext: message, end: NaN },
      { ciphertext: read, size: '7' },
      { ciphertext: async () => 'text', size: 300 },
      { ciphertext: message, more: 1 },
    ]
    for (const request of wrong)
      expect(await codeOf(kms.decryptRange({ context, ...request } as never))).toBe('INVALID_REQUEST')
  })

  it('throws what its source throws, and stops waiting for one that hangs when its signal aborts', async () => {
    const broken = async (): Promise<never> => Promise.reject(new Error('no such file'))
    await expect(kms.decryptRange({ ciphertext: broken, size: 300 })).rejects.toThrow('no such file')
    const control = new AbortController()
    const hanging = async (): Promise<never> => new Promise(() => undefined)
    const work = kms.decryptRange({ ciphertext: hanging, size: 300 }, { signal: control.signal })
    control.abort()
    expect(await codeOf(work)).toBe('ABORTED')
  })
})

describe('J127 the header of a stream', () => {
  it('J127 is put under another key and context by its 128 bytes, and the body stays', async () => {
    await kms.keys.ensure({ name: 'two', spec: 'AES_256' })
    const moved = await kms.reEncryptHeader({
      header: message.subarray(0, 128),
      context,
      key: 'two',
      newContext: { file: 'b' },
    })
    expect(moved.header).toHaveLength(128)
    expect(moved).not.toHaveProperty('ciphertext')
    const whole = Buffer.concat([moved.header, message.subarray(128)])
    const opened = await through(kms.decryptStream({ key: 'two', context: { file: 'b' } }), [whole])
    expect(opened.equals(plaintext)).toBe(true)
    expect(await codeOf(through(kms.decryptStream({ context }), [whole]))).toBe('INVALID_CIPHERTEXT')
  })

  it('J127 is that of a wrapped message, whole, and under its own key and context', async () => {
    const { ciphertext: derived } = await kms.encrypt({ key: 'k', plaintext: pattern(200), context })
    const header = message.subarray(0, 128)
    expect(await codeOf(kms.reEncryptHeader({ header: derived.subarray(0, 128), context }))).toBe('INVALID_CIPHERTEXT')
    expect(await codeOf(kms.reEncryptHeader({ header }))).toBe('INVALID_CIPHERTEXT')
    for (let byte = 0; byte < 128; byte++) {
      const flipped = flipBit(header, 8 * byte)
      expect(await codeOf(kms.reEncryptHeader({ header: flipped, context }))).toBe('INVALID_CIPHERTEXT')
    }
    for (const wrong of [header.subarray(0, 127), message.subarray(0, 129), message, '', 7]) {
      expect(await codeOf(kms.reEncryptHeader({ header: wrong as Buffer, context }))).toBe('INVALID_REQUEST')
    }
  })
})
