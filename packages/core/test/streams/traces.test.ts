import { getEventListeners } from 'node:events'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { secretKey } from '../../src/crypto/secret-key.ts'
import { messageKey } from '../../src/crypto/chunked-encryption.ts'
import { OpenStream } from '../../src/envelope/open-stream.ts'
import { SealStream } from '../../src/envelope/seal-stream.ts'
import { OpenStreams } from '../../src/open-streams.ts'
import { seededRandomness } from '../../src/testing.ts'
import { allocations } from '../support/allocations.ts'
import { actor, expectCode, makeGate, makeWorld, moving, settle, type World } from '../support/kms.ts'
import { begun, endsOf, pattern, sourceOf, through } from '../support/streams.ts'

let world: World
beforeEach(async () => {
  world = await makeWorld()
  await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
})

const isWiped = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)
const message = () => messageKey(secretKey(Buffer.alloc(32, 1)), Buffer.alloc(24, 2), Buffer.alloc(4, 3))

describe('P4 what a stream leaves behind', () => {
  it('P4 of chunks that came before one that is not authentic is nothing', () => {
    const sealing = new SealStream(message(), Buffer.alloc(0))
    const sealed = sealing.update(pattern(2 * 16_384))
    sealed[2 * 16_400 - 1]! ^= 1
    const made = allocations()
    const opening = new OpenStream(message())
    expect(() => opening.update(sealed)).toThrow(expect.objectContaining({ code: 'INVALID_CIPHERTEXT' }))
    const [out] = made.filter(({ length }) => length === 2 * 16_384)
    expect(out !== undefined && isWiped(out)).toBe(true)
  })

  it('P4 of a last chunk that is not authentic, or not recorded, is nothing', async () => {
    const { ciphertext } = await world.kms.encrypt({ key: 'k', plaintext: pattern(1234) })
    const broken = Buffer.from(ciphertext)
    broken[broken.length - 1]! ^= 1
    const made = allocations()
    await expectCode(through(world.kms.decryptStream(), [broken]), 'INVALID_CIPHERTEXT')
    const gate = makeGate()
    const kms = await world.again({}, gate.hook)
    const { writer, reader } = endsOf(kms.decryptStream())
    const reading = expectCode(reader.read(), 'AUDIT_UNAVAILABLE')
    await writer.write(ciphertext)
    gate.shut()
    void settle(writer.close())
    await moving(world.clock, reading)
    gate.open()
    const plaintexts = made.filter(({ length }) => length === 1234)
    expect(plaintexts.map(isWiped)).toEqual([true, true])
  })

  it('P4 of plaintext that waited for more when it was stopped is nothing', async () => {
    const made = allocations()
    const { writer, reader } = endsOf(world.kms.encryptStream({ key: 'k' }))
    const reading = reader.read()
    await writer.write(pattern(1000, 7))
    await reading
    const waiting = made.filter((bytes) => bytes.length === 16_384)
    expect(waiting.map((bytes) => bytes.subarray(0, 1000).equals(pattern(1000, 7)))).toEqual([true])
    await reader.cancel()
    expect(waiting.map(isWiped)).toEqual([true])
  })

  it('P4 of what a cipher opened is wiped before its memory is given back, all of it and at once', () => {
    const sealing = new SealStream(message(), Buffer.alloc(0))
    const given: { length: number; wiped: boolean }[] = []
    const { transfer } = ArrayBuffer.prototype
    const spy = vi.spyOn(ArrayBuffer.prototype, 'transfer').mockImplementation(function (this: ArrayBuffer, length) {
      given.push({ length: this.byteLength, wiped: isWiped(new Uint8Array(this)) })
      return transfer.call(this, length)
    })
    onTestFinished(() => spy.mockRestore())
    const sealed = sealing.update(pattern(3 * 16_384))
    expect(given.map(({ length }) => length)).toEqual([16_384, 16_384, 16_384])
    given.length = 0
    new OpenStream(message()).update(sealed)
    expect(given).toEqual(Array.from({ length: 3 }, () => ({ length: 16_384, wiped: true })))
  })

  it('A22 on a signal that outlives it is nothing, however it ends', async () => {
    const { signal } = new AbortController()
    const listeners = (): number => getEventListeners(signal, 'abort').length
    await through(world.kms.encryptStream({ key: 'k' }, { signal }), [pattern(20_000)])
    expect(listeners()).toBe(0)
    const { reader } = await begun(world.kms.encryptStream({ key: 'k' }, { signal }))
    expect(listeners()).toBe(1)
    await reader.cancel()
    expect(listeners()).toBe(0)
    await expectCode(through(world.kms.encryptStream({ key: 'none' }, { signal }), ['x']), 'KEY_NOT_FOUND')
    expect(listeners()).toBe(0)
  })

  it('A22 among the open streams of its tenant is nothing', async () => {
    const walking = { tools: { random: seededRandomness('open'), timers: { turn: async () => undefined } } }
    const failing = async (): Promise<never> => Promise.reject(new Error('no record'))
    const streams = new OpenStreams({ walking, deadlineMs: 1000, run: failing } as never)
    const call = { actor: {}, owner: streams, proof: () => undefined }
    const open = { operation: { action: 'encrypt', headBytes: 0 }, request: {}, call }
    const [one, two] = [streams.begin(open as never), streams.begin(open as never)]
    expect(streams.size).toBe(2)
    await one.readable.cancel()
    expect(streams.size).toBe(1)
    await expect(through(two, ['x'])).rejects.toThrow('no record')
    expect(streams.size).toBe(0)
  })
})

describe('bytes on their way', () => {
  it('A19 that others share are those that were written, whatever is written over them meanwhile', async () => {
    const gate = makeGate()
    const kms = await world.again({}, gate.hook)
    const shared = new Uint8Array(new SharedArrayBuffer(5))
    shared.set(Buffer.from('plain'))
    gate.shut()
    const sealing = through(kms.encryptStream({ key: 'k' }), [shared])
    await new Promise((resolve) => void setImmediate(resolve))
    shared.set(Buffer.from('other'))
    gate.open()
    expect((await kms.decrypt({ ciphertext: await sealing })).plaintext.toString()).toBe('plain')
  })

  it('P3 do not go through from the millisecond on at which a grant ends, though nothing else has changed', async () => {
    const app = actor(world.kms, 'app')
    const expiresAt = new Date(world.clock.now() + 1000)
    await world.kms.grants.create({ principal: 'app', key: 'k', operations: ['encrypt'], expiresAt })
    const { writer, reader } = await begun(app.encryptStream({ key: 'k' }))
    await reader.read()
    world.clock.advance(999)
    const writing = writer.write(pattern(20_000))
    expect((await reader.read()).value?.length).toBeGreaterThan(16_384)
    await writing
    world.clock.advance(1)
    void settle(writer.write(pattern(20_000)))
    await expectCode(reader.read(), 'ACCESS_DENIED')
  })

  it('give others a turn for each MiB, and not for each portion', async () => {
    let turns = 0
    const count = (): void => {
      turns += 1
      counting = setImmediate(count)
    }
    let counting = setImmediate(count)
    const portions = Array.from({ length: 512 }, () => pattern(16_384))
    for await (const part of sourceOf(portions).pipeThrough(world.kms.encryptStream({ key: 'k' }) as never)) {
      expect(part).toBeDefined()
    }
    clearImmediate(counting)
    expect(turns).toBeGreaterThanOrEqual(8)
    expect(turns).toBeLessThan(100)
  })
})
