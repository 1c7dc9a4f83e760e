import { afterEach, describe, expect, it, vi } from 'vitest'
import { encodeContext } from '../../src/envelope/context.ts'
import { open, openDataKey, readHeader } from '../../src/envelope/open.ts'
import { bodyContext, chunksPerTurn, resealDataKey, seal } from '../../src/envelope/seal.ts'
import { dataKey, derived, privateKey, wrapped, type Suite } from '../../src/envelope/suite.ts'
import { isKmsError } from '../../src/errors.ts'
import { systemTimers } from '../../src/internal/defaults.ts'
import { reasonOf } from '../../src/internal/reason.ts'
import type { Randomness, Timers } from '../../src/index.ts'
import type { Material } from '../../src/stages.ts'
import { fixedKeyId, flipBit, materialOf, scriptedRandomness, sealAs } from '../support/envelope-kms.ts'

const materialHex = '42'.repeat(32)
const material = (): Material => materialOf(materialHex)
const context = encodeContext({ table: 't' })
const pairs = { table: 't' }

interface Opened {
  readonly plaintext?: Buffer
  readonly reason?: string | undefined
}

/** Opens, and says the true reason where it does not. */
async function openIt(
  suite: Suite,
  message: Buffer,
  by: { material?: Material; timers?: Timers } = {},
): Promise<Opened> {
  try {
    const sealed = { message, suite, context }
    return { plaintext: await open(by.material ?? material(), sealed, by.timers ?? systemTimers) }
  } catch (error) {
    if (!isKmsError(error, 'INVALID_CIPHERTEXT')) throw error
    expect(error.message).toBe('the ciphertext does not open')
    return { reason: reasonOf(error) }
  }
}

/** Timers that count the turns they gave. */
function countingTimers(): Timers & { turns: number } {
  const timers = { turns: 0, after: systemTimers.after, turn: async () => void timers.turns++ }
  return timers
}

afterEach(() => vi.restoreAllMocks())

describe('a sealed message', () => {
  it.each([
    [derived, 96],
    [wrapped, 200],
    [dataKey, 96],
    [privateKey, 96],
  ])('of suite $code is longer than its plaintext by its overhead', async (suite, overhead) => {
    for (const length of [0, 1, 100]) {
      const message = await sealAs(suite, material(), { plaintext: Buffer.alloc(length), context: pairs })
      expect(message).toHaveLength(length + overhead)
      expect(message.toString('latin1', 0, 3)).toBe('CM1')
      expect(message[3]).toBe(suite.code)
    }
  })

  it.each([derived, wrapped, dataKey, privateKey])('of suite $code opens', async (suite) => {
    const message = await sealAs(suite, material(), { plaintext: Buffer.from('plain'), context: pairs })
    expect(readHeader(message, [suite.opens])).toEqual({ suite, keyId: fixedKeyId, keyVersion: 1 })
    expect((await openIt(suite, message)).plaintext?.toString()).toBe('plain')
  })

  it('A11 asks for its salt, and for a data key and two salts where it is wrapped', async () => {
    for (const [suite, asked] of [
      [derived, [24]],
      [dataKey, [24]],
      [wrapped, [32, 24, 24]],
    ] as const) {
      const random = scriptedRandomness('asked')
      await sealAs(suite, material(), { plaintext: Buffer.alloc(3), random })
      expect(random.asked).toEqual(asked)
    }
  })

  it('leaves no data key behind in memory', async () => {
    const filled: Uint8Array[] = []
    const random: Randomness = { fill: (bytes) => void filled.push(bytes.fill(0xaa)), uuid: () => '' }
    await sealAs(wrapped, material(), { plaintext: Buffer.alloc(3), random })
    expect(filled[0]).toHaveLength(32)
    expect([...(filled[0] as Uint8Array)].every((byte) => byte === 0)).toBe(true)
  })

  it('gives others a turn after every MiB, sealing and opening', async () => {
    expect(chunksPerTurn).toBe(64)
    for (const [length, turns] of [
      [0, 0],
      [1_048_575, 0],
      [1_048_576, 1],
      [2_097_151, 1],
      [2_097_152, 2],
    ] as const) {
      const sealing = countingTimers()
      const tools = { random: scriptedRandomness('turns'), timers: sealing }
      const message = await seal(material(), { suite: derived, plaintext: Buffer.alloc(length, 5), context }, tools)
      const opening = countingTimers()
      const { plaintext } = await openIt(derived, message, { timers: opening })
      expect(plaintext?.equals(Buffer.alloc(length, 5))).toBe(true)
      expect([sealing.turns, opening.turns]).toEqual([turns, turns])
    }
  })
})

describe('the true reason for which a message does not open', () => {
  it('is that another verb opens it, or none', async () => {
    const reasons = [
      [Buffer.from('not ours'), 'not a CM1 message'],
      [await sealAs(dataKey, material(), { plaintext: Buffer.alloc(3) }), 'another verb opens this suite'],
    ] as const
    for (const [message, reason] of reasons) {
      try {
        readHeader(message, ['message'])
        expect.unreachable()
      } catch (error) {
        expect(isKmsError(error, 'INVALID_CIPHERTEXT') && reasonOf(error)).toBe(reason)
      }
    }
  })

  const places: readonly [Suite, number, string][] = [
    [derived, 24, 'the commitment is to another key or context'],
    [derived, 48, 'the commitment is to another key or context'],
    [derived, 80, 'a chunk is not authentic'],
    [derived, 98, 'a chunk is not authentic'],
    [wrapped, 24, 'the data key does not open: wrong key, context or bytes'],
    [wrapped, 60, 'the data key does not open: wrong key, context or bytes'],
    [wrapped, 127, 'the data key does not open: wrong key, context or bytes'],
    [wrapped, 128, 'the commitment is to another key or context'],
    [wrapped, 160, 'the commitment is to another key or context'],
    [wrapped, 184, 'a chunk is not authentic'],
  ]

  it.each(places)('is, for suite %o with a bit of byte %i changed: %s', async (suite, at, reason) => {
    const message = await sealAs(suite, material(), { plaintext: Buffer.alloc(3), context: pairs })
    expect(await openIt(suite, flipBit(message, at * 8))).toEqual({ reason })
  })

  it('is the length, where no message has it', async () => {
    const plain = { plaintext: Buffer.alloc(16_384), context: pairs }
    for (const suite of [derived, wrapped]) {
      const message = await sealAs(suite, material(), plain)
      expect(await openIt(suite, message.subarray(0, -16))).toEqual({ reason: 'no message has this length' })
      expect(await openIt(suite, message.subarray(0, -1))).toEqual({ reason: 'no message has this length' })
    }
  })

  it('is the key, where it is another or an identity that it does not have', async () => {
    const message = await sealAs(derived, material(), { plaintext: Buffer.alloc(3), context: pairs })
    const other = { material: materialOf('43'.repeat(32)) }
    expect(await openIt(derived, message, other)).toEqual({ reason: 'the commitment is to another key or context' })
    const data = await sealAs(wrapped, material(), { plaintext: Buffer.alloc(3), context: pairs })
    expect((await openIt(wrapped, data, other)).reason).toContain('the data key does not open')
  })

  it('says nothing of earlier chunks, whose plaintext is wiped', async () => {
    const length = 70 * 16_384
    const message = await sealAs(derived, material(), { plaintext: Buffer.alloc(length, 7), context: pairs })
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow')
    const opened = await openIt(derived, flipBit(message, (80 + 69 * 16_400) * 8))
    expect(opened).toEqual({ reason: 'a chunk is not authentic' })
    const outputs = allocate.mock.results.map(({ value }) => value as Buffer).filter((bytes) => bytes.length === length)
    expect(outputs).toHaveLength(1)
    expect(outputs[0]?.equals(Buffer.alloc(length))).toBe(true)
  })

  it('leaves no plaintext behind either when the caller gives up half-way', async () => {
    const length = 70 * 16_384
    const message = await sealAs(derived, material(), { plaintext: Buffer.alloc(length, 7), context: pairs })
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow')
    const timers: Timers = {
      after: systemTimers.after,
      turn: async () => {
        throw new Error('given up')
      },
    }
    await expect(openIt(derived, message, { timers })).rejects.toThrow('given up')
    const outputs = allocate.mock.results.map(({ value }) => value as Buffer).filter((bytes) => bytes.length === length)
    expect(outputs[0]?.equals(Buffer.alloc(length))).toBe(true)
  })
})

describe('the data key of a wrapped message', () => {
  it('is put under another material and context, and the body stays', async () => {
    const message = await sealAs(wrapped, material(), { plaintext: Buffer.from('body'), context: pairs })
    const key = openDataKey(material(), { message, suite: wrapped, context })
    const salt = Buffer.alloc(24, 1)
    const to = { material: materialOf('77'.repeat(32), 'fedcba98-7654-4321-8fed-cba987654321', 9), context, salt }
    const moved = resealDataKey(message, key, to)
    expect(moved).toHaveLength(message.length)
    expect(moved.toString('hex', 0, 48)).toBe(`434d3102fedcba98765443218fedcba98765432100000009${'01'.repeat(24)}`)
    expect(moved.subarray(128)).toEqual(message.subarray(128))
    expect((await openIt(wrapped, moved, { material: to.material })).plaintext?.toString()).toBe('body')
    expect((await openIt(wrapped, moved)).reason).toContain('the data key does not open')
  })

  it('opens the body under a context of its own, without key and pairs', () => {
    expect(bodyContext.toString('hex')).toBe('434d3102')
  })
})
