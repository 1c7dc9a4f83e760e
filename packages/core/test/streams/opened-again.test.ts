import { beforeEach, describe, expect, it } from 'vitest'
import { makeWorld, type World } from '../support/kms.ts'
import { pattern, through } from '../support/streams.ts'

const context = { file: 'a', row: '1' }
const plaintext = pattern(20_000)
let world: World

beforeEach(async () => {
  world = await makeWorld()
})

/** A key whose first version this process knows, and another process has replaced. */
async function rotatedElsewhere(name: string): Promise<void> {
  await world.kms.keys.create({ name, spec: 'AES_256' })
  await world.kms.encrypt({ key: name, plaintext: 'x' })
  const other = await world.again()
  await other.keys.rotate({ key: name })
}

describe('C46 a stream that is opened once more, since another process has rotated its key', () => {
  it('C46 decrypts under its context', async () => {
    await rotatedElsewhere('k')
    const ciphertext = await through(world.kms.encryptStream({ key: 'k', context }), [plaintext])
    const opened = await world.kms.decrypt({ ciphertext, context })
    expect([opened.plaintext.equals(plaintext), opened.keyVersion]).toEqual([true, 2])
  })

  it('C46 opens the message that it puts under that key', async () => {
    await world.kms.keys.create({ name: 'from', spec: 'AES_256' })
    const message = await through(world.kms.encryptStream({ key: 'from', context }), [plaintext])
    await rotatedElsewhere('to')
    const ciphertext = await through(world.kms.reEncryptStream({ key: 'to', context }), [message])
    const opened = await world.kms.decrypt({ ciphertext, context })
    expect([opened.plaintext.equals(plaintext), opened.keyVersion]).toEqual([true, 2])
  })
})
