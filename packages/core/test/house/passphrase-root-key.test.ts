import { scryptSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isKmsError, passphraseRootKey, type RootKeyContext, type Stretching } from '../../src/index.ts'
import { openUnder } from '../../src/root-key/sealing.ts'
import { secretKey } from '../../src/crypto/secret-key.ts'
import { hasArgon2id } from '../../src/crypto/passphrase.ts'
import { codeOf, World } from '../support/audit-world.ts'

const context: RootKeyContext = { tenant: 'default', epoch: 1, purpose: 'keyring' }
const key = Buffer.alloc(32, 'material')
const words = 'seven words that nobody put together'
const cheap = { algorithm: 'scrypt', cost: 2 ** 14, blockSize: 8, parallelism: 1 } as const
const cheapArgon = { algorithm: 'argon2id', memoryKiB: 16 * 1024, passes: 2, parallelism: 1 } as const

describe('G103 a root key made of a passphrase', () => {
  test('stores salt and parameters with what it wraps, and is what scrypt makes of them', async () => {
    const wrapped = Buffer.from(await passphraseRootKey(words, { stretching: cheap }).wrap(key, context))
    expect(wrapped.subarray(0, 4).toString('latin1')).toBe('PW1\u0001')
    expect([4, 8, 12].map((at) => wrapped.readUInt32BE(at))).toEqual([2 ** 14, 8, 1])
    const stretched = scryptSync(words, wrapped.subarray(16, 48), 32, { N: 2 ** 14, r: 8, p: 1, maxmem: 2 ** 26 })
    const head = wrapped.subarray(0, 48)
    expect(openUnder(secretKey(stretched), wrapped.subarray(48), { ...context, head })).toEqual(key)
  })

  test('salts each instance anew', async () => {
    const wrap = async (): Promise<Buffer> =>
      Buffer.from(await passphraseRootKey(words, { stretching: cheap }).wrap(key, context))
    const [one, other] = [await wrap(), await wrap()]
    expect(one.subarray(16, 48)).not.toEqual(other.subarray(16, 48))
  })

  test.skipIf(!hasArgon2id())(
    'takes Argon2id where Node has it, and opens what scrypt wrapped all the same',
    async () => {
      const byScrypt = passphraseRootKey(words, { stretching: cheap })
      const byArgon = passphraseRootKey(words, { stretching: cheapArgon })
      const [scrypt, argon] = [await byScrypt.wrap(key, context), await byArgon.wrap(key, context)]
      expect(argon[3]).toBe(2)
      expect(Buffer.from(await byScrypt.unwrap(argon, context))).toEqual(key)
      expect(Buffer.from(await byArgon.unwrap(scrypt, context))).toEqual(key)
      const byDefault = Buffer.from(await passphraseRootKey(words).wrap(key, context))
      expect([byDefault[3], byDefault.readUInt32BE(4), byDefault.readUInt32BE(8)]).toEqual([2, 65_536, 3])
    },
  )

  test('is the same however it was typed', async () => {
    const [composed, decomposed] = ['Zw\u00f6lf Boxk\u00e4mpfer jagen', 'Zwo\u0308lf Boxka\u0308mpfer jagen']
    const wrapped = await passphraseRootKey(composed, { stretching: cheap }).wrap(key, context)
    const opened = await passphraseRootKey(decomposed, { stretching: cheap }).unwrap(wrapped, context)
    expect(Buffer.from(opened)).toEqual(key)
  })

  test('opens no storage with another passphrase, whatever it is called', async () => {
    const world = new World()
    await world.open({ rootKey: passphraseRootKey(words, { stretching: cheap }) })
    const other = passphraseRootKey(`${words}!`, { stretching: cheap })
    expect(await codeOf(world.open({ rootKey: other }))).toBe('ROOT_KEY_MISMATCH')
    const both = { rootKey: other, previousRootKeys: [passphraseRootKey(words, { stretching: cheap })] }
    expect(await codeOf(world.open(both))).toBeUndefined()
  })

  test.each([['short words'], ['\u{1f511}'.repeat(11)], [undefined], [Buffer.alloc(32)]])(
    'has at least twelve characters: %j is refused',
    (passphrase) => {
      expect(() => passphraseRootKey(passphrase as string)).toThrow(/12 characters/u)
    },
  )

  test.each<[string, Stretching]>([
    ['no number', { algorithm: 'argon2id', memoryKiB: Number.NaN, passes: 3, parallelism: 1 }],
    ['part of a pass', { algorithm: 'argon2id', memoryKiB: 65_536, passes: 2.5, parallelism: 1 }],
    ['part of a block', { algorithm: 'scrypt', cost: 2 ** 17, blockSize: 8.5, parallelism: 1 }],
    ['nothing', null as never],
  ])('is not stretched by %s', (_, stretching) => {
    expect(() => passphraseRootKey(words, { stretching })).toThrow(/parameters/u)
  })

  test.each<[string, Stretching]>([
    ['scrypt with too little memory', { ...cheap, cost: 2 ** 13 }],
    ['scrypt with too much memory', { ...cheap, cost: 2 ** 21 }],
    ['scrypt with a cost that is no power of two', { ...cheap, cost: 2 ** 14 + 2 }],
    ['scrypt with too many lanes', { ...cheap, parallelism: 17 }],
    ['Argon2id with one pass', { ...cheapArgon, passes: 1 }],
    ['Argon2id with too many passes', { ...cheapArgon, passes: 17 }],
    ['Argon2id with too little memory', { ...cheapArgon, memoryKiB: 15 * 1024 }],
    ['Argon2id with too much memory', { ...cheapArgon, memoryKiB: 2 ** 21 }],
  ])('is not stretched by %s; read from a database neither', async (_, stretching) => {
    expect(() => passphraseRootKey(words, { stretching })).toThrow(/parameters/u)
    const rootKey = passphraseRootKey(words, { stretching: cheap })
    const wrapped = Buffer.from(await rootKey.wrap(key, context))
    const { algorithm, parallelism } = stretching
    wrapped[3] = algorithm === 'scrypt' ? 1 : 2
    const [first, second] = algorithm === 'scrypt' ? [stretching.cost, 8] : [stretching.memoryKiB, stretching.passes]
    for (const [at, number] of [first, second, parallelism].entries()) wrapped.writeUInt32BE(number, 4 + 4 * at)
    expect(
      isKmsError(await rootKey.unwrap(wrapped, context).catch((error: unknown) => error), 'ROOT_KEY_MISMATCH'),
    ).toBe(true)
  })
})
