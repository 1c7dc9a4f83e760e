import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Duplex, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { TransformStream } from 'node:stream/web'
import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { contexts, envelopes } from '../support/envelope-arbitraries.ts'
import { openKms } from '../support/envelope-kms.ts'
import { collect, endsOf, pattern, portionsOf, sourceOf, through } from '../support/streams.ts'

const sizes = [0, 1, 16_383, 16_384, 16_385, 32_768, 1024 * 1024]
const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40_000 })), { minLength: 1 })

let kms: Kms
beforeAll(async () => {
  kms = await openKms()
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
})
afterAll(async () => kms.close())

describe('a stream', () => {
  it.each(sizes)('A16 of %d bytes is a wrapped message, and opens as one, whole and piece by piece', async (size) => {
    const plaintext = pattern(size)
    const message = await through(kms.encryptStream({ key: 'k' }), portionsOf(plaintext, [65_536]))
    expect(message).toHaveLength((await kms.encrypt({ key: 'k', plaintext, envelope: 'wrapped' })).ciphertext.length)
    expect(message[3]).toBe(0x02)
    expect((await kms.decrypt({ ciphertext: message })).plaintext.equals(plaintext)).toBe(true)
    const opened = await through(kms.decryptStream(), portionsOf(message, [65_536]))
    expect(opened.equals(plaintext)).toBe(true)
  })

  test.prop([fc.constantFrom(...sizes.slice(0, -1)), fc.tuple(cuts, cuts), contexts], { numRuns: 40 })(
    'comes to the same however its bytes are cut',
    async (size, [into, again], context) => {
      const plaintext = pattern(size, into[0])
      const message = await through(kms.encryptStream({ key: 'k', context }), portionsOf(plaintext, into))
      const opened = await through(kms.decryptStream({ context }), portionsOf(message, again))
      expect(opened.equals(plaintext)).toBe(true)
      expect((await kms.decrypt({ ciphertext: message, context })).plaintext.equals(plaintext)).toBe(true)
    },
  )

  test.prop([fc.constantFrom(...sizes.slice(0, -1)), cuts, fc.tuple(contexts, envelopes)], { numRuns: 30 })(
    'opens what encrypt made, in both envelopes',
    async (size, into, [context, envelope]) => {
      const plaintext = pattern(size)
      const { ciphertext } = await kms.encrypt({ key: 'k', plaintext, context, envelope })
      const opened = await through(kms.decryptStream({ context }), portionsOf(ciphertext, into))
      expect(opened.equals(plaintext)).toBe(true)
    },
  )

  const larger = fc.array(fc.integer({ min: 100, max: 200_000 }), { minLength: 5, maxLength: 20 })
  test.prop([larger, larger], { numRuns: 5 })(
    'of 1 MiB comes through random portions, in both directions',
    async (into, again) => {
      const plaintext = pattern(1024 * 1024, into[0])
      const message = await through(kms.encryptStream({ key: 'k' }), portionsOf(plaintext, into))
      const opened = await through(kms.decryptStream(), portionsOf(message, again))
      expect(opened.equals(plaintext)).toBe(true)
    },
  )

  it('of one portion longer than a turn comes out in order', async () => {
    const plaintext = pattern(3 * 1024 * 1024 + 5)
    const message = await through(kms.encryptStream({ key: 'k' }), [plaintext])
    expect((await through(kms.decryptStream(), [message])).equals(plaintext)).toBe(true)
  })

  it('gives others a turn, also between a source that always has more and a sink that always takes it', async () => {
    let turns = 0
    const count = (): void => {
      turns += 1
      counting = setImmediate(count)
    }
    let counting = setImmediate(count)
    const portion = pattern(64 * 1024)
    const message = await through(
      kms.encryptStream({ key: 'k' }),
      Array.from({ length: 8 * 16 }, () => portion),
    )
    const sealing = turns
    await through(kms.decryptStream(), portionsOf(message, [65_536]))
    clearImmediate(counting)
    // One for each MiB, and some for the records.
    expect(sealing).toBeGreaterThanOrEqual(8)
    expect(turns - sealing).toBeGreaterThanOrEqual(8)
  })

  it('A19 is refused where memory is taken away before all of it went through: less is never sealed', async () => {
    const portion = new Uint8Array(3 * 1024 * 1024)
    const { writer, reader } = endsOf(kms.encryptStream({ key: 'k' }))
    const writing = writer.write(portion)
    let out = 0
    const reading = (async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        out += part.value.length
        if (out > 200 && portion.byteLength > 0) structuredClone(portion, { transfer: [portion.buffer] })
      }
    })()
    const outcomes = await Promise.allSettled([writing, reading])
    const refusal = { status: 'rejected', reason: expect.objectContaining({ code: 'INVALID_REQUEST' }) }
    expect(outcomes).toEqual([refusal, refusal])
    expect(portion.byteLength).toBe(0)
  })

  it('of a handle is under its key', async () => {
    const key = kms.key('k')
    const context = { file: 'a' }
    const message = await through(key.encryptStream({ context }), ['plain'])
    expect((await through(key.decryptStream({ context }), [message])).toString()).toBe('plain')
    const range = await key.decryptRange({ ciphertext: message, context, start: 1, end: 3 })
    expect(range.plaintext.toString()).toBe('la')
  })

  it('A19 takes what is in memory that others share as it was when it came', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(5))
    shared.set(Buffer.from('plain'))
    const message = await through(kms.encryptStream({ key: 'k' }), [shared])
    const sealed = new Uint8Array(new SharedArrayBuffer(message.length))
    sealed.set(message)
    expect((await through(kms.decryptStream(), [sealed])).toString()).toBe('plain')
  })
})

describe('with the streams of Node', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'streams-'))
  const file = (name: string): string => path.join(folder, name)
  const plaintext = pattern(300_000)
  beforeAll(() => writeFileSync(file('plain'), plaintext))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('a file is encrypted by pipeThrough, and decrypted by a Duplex in a pipeline', async () => {
    await Readable.toWeb(createReadStream(file('plain')))
      .pipeThrough(kms.encryptStream({ key: 'k' }) as TransformStream)
      .pipeTo(Writable.toWeb(createWriteStream(file('sealed'))))
    const opening = Duplex.fromWeb(kms.decryptStream() as never)
    await pipeline(createReadStream(file('sealed')), opening, createWriteStream(file('opened')))
    expect(readFileSync(file('opened')).equals(plaintext)).toBe(true)
    expect((await kms.decrypt({ ciphertext: readFileSync(file('sealed')) })).plaintext.equals(plaintext)).toBe(true)
  })

  it('A14 a truncated file ends a pipeline with its error, and no end', async () => {
    const sealed = readFileSync(file('sealed'))
    writeFileSync(file('cut'), sealed.subarray(0, 184 + 2 * 16_400))
    const opening = Duplex.fromWeb(kms.decryptStream() as never)
    let ended = false
    opening.on('end', () => {
      ended = true
    })
    const work = pipeline(createReadStream(file('cut')), opening, createWriteStream(file('opened')))
    await expect(work).rejects.toMatchObject({ code: 'INVALID_CIPHERTEXT' })
    expect(ended).toBe(false)
  })
})

it('a source that is never read is asked for nothing more than it was asked at first', async () => {
  let asked = 0
  const source = sourceOf(
    (function* () {
      for (;;) {
        asked += 1
        yield new Uint8Array(65_536)
      }
    })(),
  )
  const reader = source
    .pipeThrough(kms.encryptStream({ key: 'k' }) as TransformStream<Uint8Array, Uint8Array>)
    .getReader()
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => void setImmediate(resolve))
  expect(asked).toBeLessThanOrEqual(3)
  const before = asked
  await reader.read()
  await reader.read()
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => void setImmediate(resolve))
  expect(asked).toBeGreaterThan(before - 1)
  expect(asked).toBeLessThanOrEqual(before + 3)
  await reader.cancel()
  expect(await collect(sourceOf([]))).toHaveLength(0)
})
