import { fc, test } from '@fast-check/vitest'
import { beforeEach, describe, expect, it } from 'vitest'
import type { AuditRecord, Kms } from '../../src/index.ts'
import { codeOf, flipBit } from '../support/envelope-kms.ts'
import { expectCode, makeWorld, type World } from '../support/kms.ts'
import { endsOf, pattern, portionsOf, sourceOf, through, told, until } from '../support/streams.ts'

const context = { file: 'a' }
const newContext = { file: 'b' }
let world: World
let kms: Kms
let before: number

beforeEach(async () => {
  world = await makeWorld()
  kms = world.kms
  for (const name of ['k', 'two']) await kms.keys.create({ name, spec: 'AES_256' })
  before = await world.db.size()
})

const records = async (): Promise<AuditRecord[]> => world.db.records('default', before)
const seal = async (plaintext: Buffer): Promise<Buffer> =>
  through(kms.encryptStream({ key: 'k', context }), portionsOf(plaintext, [65_536]))

/** What comes out of a stream that is refused, and with which code. */
async function refused(message: Buffer, portions = [64]): Promise<{ out: Buffer; code: string }> {
  const moving = kms.reEncryptStream({ key: 'two', context, newContext })
  const { out, error } = await until(sourceOf(portionsOf(message, portions)).pipeThrough(moving as never))
  expect(error).toMatchObject({ message: 'the ciphertext does not open' })
  return { out, code: (error as { code: string }).code }
}

describe('J127 a stream that is re-encrypted as a stream', () => {
  const sizes = fc.constantFrom(0, 1, 16_383, 16_384, 16_385, 50_000)
  const cuts = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1 })
  test.prop([sizes, fc.tuple(cuts, cuts)], { numRuns: 30 })(
    'J127 is under another key and context, however it is cut, and its body is the same',
    async (size, [into, again]) => {
      const plaintext = pattern(size, into[0])
      const message = await seal(plaintext)
      const moved = await through(kms.reEncryptStream({ key: 'two', context, newContext }), portionsOf(message, into))
      expect(moved.subarray(128).equals(message.subarray(128))).toBe(true)
      expect(moved.subarray(0, 128).equals(message.subarray(0, 128))).toBe(false)
      const opened = await through(kms.decryptStream({ key: 'two', context: newContext }), portionsOf(moved, again))
      expect(opened.equals(plaintext)).toBe(true)
      expect(await codeOf(through(kms.decryptStream({ context }), [moved]))).toBe('INVALID_CIPHERTEXT')
    },
  )

  it('J127 takes what encrypt made with a data key of its own, and after a rotation the new version', async () => {
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: pattern(100), envelope: 'wrapped' })
    await kms.keys.rotate({ key: 'k' })
    const moved = await through(kms.reEncryptStream(), [ciphertext])
    expect(await kms.decrypt({ ciphertext: moved })).toMatchObject({ plaintext: pattern(100), keyVersion: 2 })
    const byHandle = await through(kms.key('two').reEncryptStream(), [moved])
    expect(await kms.decrypt({ ciphertext: byHandle, key: 'two' })).toMatchObject({ plaintext: pattern(100) })
  })

  it('is authorized on both keys, and nothing comes out otherwise', async () => {
    const message = await seal(pattern(100))
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['reEncryptFrom'] })
    const moving = (): Promise<Buffer> => through(kms.as('app').reEncryptStream({ key: 'two', context }), [message])
    await expectCode(moving(), 'ACCESS_DENIED')
    await kms.grants.create({ principal: 'app', key: 'two', operations: ['reEncryptTo'] })
    expect((await kms.decrypt({ ciphertext: await moving(), context })).plaintext).toEqual(pattern(100))
    await expectCode(through(kms.as('other').reEncryptStream({ context }), [message]), 'ACCESS_DENIED')
  })

  it('is recorded on both keys when it opens, and at its end', async () => {
    const message = await seal(pattern(20_000))
    before = await world.db.size()
    await through(kms.reEncryptStream({ key: 'two', context }), portionsOf(message, [5000]))
    const [from, to, end, endTo, ...others] = await records()
    expect(others).toEqual([])
    const stream = from?.details?.['stream']
    expect(from).toMatchObject({ action: 'reEncryptFrom', status: 'SUCCESS', details: { streamPart: 'opened' } })
    expect(to).toMatchObject({ action: 'reEncryptTo', status: 'SUCCESS', details: { stream, streamPart: 'opened' } })
    const details = { stream, streamPart: 'ended', bytesIn: message.length, bytesOut: message.length }
    expect(end).toMatchObject({ action: 'reEncryptFrom', status: 'SUCCESS', keyId: from?.keyId, details })
    expect(endTo).toMatchObject({ action: 'reEncryptTo', status: 'SUCCESS', keyId: to?.keyId, details })
  })

  it('A14 that was cut off within its beginning, or to a length that no message has, errors', async () => {
    const message = await seal(pattern(16_384 + 50))
    for (const length of [0, 1, 24, 127, 128, 184, 199]) {
      expect(await refused(message.subarray(0, length))).toEqual({ out: Buffer.alloc(0), code: 'INVALID_CIPHERTEXT' })
    }
    for (const length of [184 + 16_400, 184 + 16_400 + 15]) {
      const { out, code } = await refused(message.subarray(0, length), [1000])
      expect([code, out.length]).toEqual(['INVALID_CIPHERTEXT', length])
    }
    expect((await records()).at(-1)).toMatchObject({ status: 'FAILURE', reason: 'no message has this length' })
  })

  it('A5 whose beginning was changed errors, and nothing comes out', async () => {
    const message = await seal(pattern(100))
    for (let byte = 0; byte < 128; byte++) {
      expect(await refused(flipBit(message, 8 * byte))).toEqual({ out: Buffer.alloc(0), code: 'INVALID_CIPHERTEXT' })
    }
    for (const length of [0, 8, 50, 500]) {
      const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: pattern(length), context })
      expect(await refused(ciphertext)).toEqual({ out: Buffer.alloc(0), code: 'INVALID_CIPHERTEXT' })
    }
  })

  it('whose key is revoked meanwhile ends there', async () => {
    const message = await seal(pattern(50_000))
    const { writer, reader } = endsOf(kms.reEncryptStream({ key: 'two', context }))
    const writing = writer.write(message.subarray(0, 20_000))
    await reader.read()
    await Promise.all([reader.read(), writing])
    await kms.keys.revoke({ key: 'k', reason: 'lost' })
    const outcomes = await Promise.allSettled([writer.write(message.subarray(20_000)), reader.read()])
    const refusal = { status: 'rejected', reason: expect.objectContaining({ code: 'INVALID_KEY_STATE' }) }
    expect(outcomes).toEqual([refusal, refusal])
    expect(told(await records()).at(-1)).toEqual(['ended', 'INVALID_KEY_STATE'])
  })

  it.each([false, true])(
    'P3 ends where it may no longer go to the other key, heard of elsewhere: %s',
    async (elsewhere) => {
      const message = await seal(pattern(50_000))
      await kms.grants.create({ principal: 'app', key: 'k', operations: ['reEncryptFrom'] })
      const { id } = await kms.grants.create({ principal: 'app', key: 'two', operations: ['reEncryptTo'] })
      const { writer, reader } = endsOf(kms.as('app').reEncryptStream({ key: 'two', context, newContext }))
      const writing = writer.write(message.subarray(0, 20_000))
      await reader.read()
      await Promise.all([reader.read(), writing])
      await (elsewhere ? await world.again() : kms).grants.revoke({ grant: id })
      const rest = Promise.allSettled([writer.write(message.subarray(20_000)), writer.close()])
      const reading = async (): Promise<void> => {
        while (!(await reader.read()).done);
      }
      await expectCode(reading(), 'ACCESS_DENIED')
      await rest
      expect(told(await records()).at(-1)).toEqual(['ended', 'ACCESS_DENIED'])
    },
  )

  it('A20 gives what was written back: what comes out is not the same memory', async () => {
    const message = await seal(pattern(1000))
    const { writer, reader } = endsOf(kms.reEncryptStream({ key: 'two', context }))
    const written = Uint8Array.from(message.subarray(200))
    const writing = Promise.all([writer.write(message.subarray(0, 200)), writer.write(written)])
    const first = await reader.read()
    const second = await reader.read()
    await writing
    written.fill(0)
    await Promise.all([writer.close(), reader.read()])
    const moved = Buffer.concat([first.value as Buffer, second.value as Buffer])
    expect((await kms.decrypt({ ciphertext: moved, context })).plaintext).toEqual(pattern(1000))
  })

  it('is refused at once for what is no request', () => {
    for (const wrong of [{ ciphertext: 'AAAA' }, { key: 7 }, { header: 'AAAA' }, 'k']) {
      expect(() => kms.reEncryptStream(wrong as never)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
    }
  })
})
