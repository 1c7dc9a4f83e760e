import { beforeEach, describe, expect, it } from 'vitest'
import type { ByteTransform } from '../../src/index.ts'
import { day, expectCode, makeWorld, type World } from '../support/kms.ts'
import { begun, endsOf, pattern, told, type Ends } from '../support/streams.ts'

let world: World
let message: Buffer

beforeEach(async () => {
  world = await makeWorld()
  await world.kms.keys.create({ name: 'old', spec: 'AES_256' })
  await world.kms.keys.create({ name: 'k', spec: 'AES_256', expiresAfterDays: 1 })
  const plaintext = pattern(50_000)
  message = (await world.kms.encrypt({ key: 'old', plaintext, envelope: 'wrapped' })).ciphertext
})

async function rest({ reader }: Pick<Ends, 'reader'>): Promise<void> {
  while (!(await reader.read()).done);
}

/** A stream of which something was read. */
async function moving(transform: ByteTransform): Promise<Ends> {
  const ends = endsOf(transform)
  ends.writer.write(message).catch(() => undefined)
  await ends.reader.read()
  return ends
}

describe('P3 a stream whose version expires while it flows', () => {
  const streams = {
    encryptStream: async () => begun(world.kms.encryptStream({ key: 'k' })),
    reEncryptStream: async () => moving(world.kms.reEncryptStream({ key: 'k' })),
  }
  const ends: readonly (readonly [keyof typeof streams, boolean])[] = [
    ['encryptStream', false],
    ['encryptStream', true],
    ['reEncryptStream', false],
    ['reEncryptStream', true],
  ]

  it.each(ends)('P3 ends then, for %s, rotated meanwhile: %s', async (verb, rotated) => {
    const stream = await streams[verb]()
    if (rotated) await world.kms.keys.rotate({ key: 'k' })
    world.clock.advance(day)
    stream.writer.close().catch(() => undefined)
    await expectCode(rest(stream), 'INVALID_KEY_STATE')
    expect(told(await world.db.records()).at(-1)).toEqual(['ended', 'INVALID_KEY_STATE'])
  })

  it.each(ends)('P3 completes a millisecond before, for %s, rotated meanwhile: %s', async (verb, rotated) => {
    const stream = await streams[verb]()
    if (rotated) await world.kms.keys.rotate({ key: 'k' })
    world.clock.advance(day - 1)
    stream.writer.close().catch(() => undefined)
    await rest(stream)
    expect(told(await world.db.records()).at(-1)).toEqual(['ended', 'SUCCESS'])
  })
})
