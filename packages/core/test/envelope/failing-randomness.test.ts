import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Kms, Randomness } from '../../src/index.ts'
import { seededRandomness } from '../../src/testing.ts'
import { codeOf, latestRecord, openKms, refusal } from '../support/envelope-kms.ts'

const base = seededRandomness('failing')
let failAt = Infinity
let fails: 'once' | 'from then on' = 'once'
let asked = 0
/** What it gave, before anybody wiped it. */
let given: Buffer[] = []
const random: Randomness = {
  uuid: () => base.uuid(),
  fill: (bytes) => {
    asked++
    if (fails === 'once' ? asked === failAt : asked >= failAt) throw new Error('no entropy')
    base.fill(bytes)
    given.push(Buffer.from(bytes))
  },
}
let kms: Kms
let message: Buffer
let wrappedMessage: Buffer

beforeAll(async () => {
  kms = await openKms({ random })
  await kms.keys.create({ name: 'one', spec: 'AES_256' })
  message = (await kms.encrypt({ key: 'one', plaintext: 'plain' })).ciphertext
  wrappedMessage = (await kms.encrypt({ key: 'one', plaintext: 'plain', envelope: 'wrapped' })).ciphertext
})
afterAll(async () => kms.close())
beforeEach(() => {
  asked = 0
  given = []
  failAt = Infinity
  fails = 'once'
})

const calls: readonly [name: string, asks: number, call: () => Promise<unknown>][] = [
  ['encrypt', 1, async () => kms.encrypt({ key: 'one', plaintext: 'p' })],
  ['encrypt', 3, async () => kms.encrypt({ key: 'one', plaintext: 'p', envelope: 'wrapped' })],
  ['generateDataKey', 2, async () => kms.generateDataKey({ key: 'one' })],
  ['generateDataKeyWithoutPlaintext', 2, async () => kms.generateDataKeyWithoutPlaintext({ key: 'one' })],
  ['reEncrypt', 1, async () => kms.reEncrypt({ ciphertext: message })],
  ['reEncrypt', 1, async () => kms.reEncrypt({ ciphertext: wrappedMessage })],
  ['generateRandom', 1, async () => kms.generateRandom({ numberOfBytes: 8 })],
]

describe('randomness', () => {
  it.each(calls)('A11 is asked anew for every %s: %i times', async (_, asks, call) => {
    await call()
    expect(asked).toBe(asks)
    await call()
    expect(asked).toBe(2 * asks)
  })

  it('A11 is asked anew for the bytes of every one of many, and none of them is used twice', async () => {
    const items = Array.from({ length: 300 }, () => ({ key: 'one', plaintext: 'p' }))
    const outcomes = [...(await kms.encryptMany({ items })).items, ...(await kms.encryptMany({ items })).items]
    const salts = outcomes.flatMap((item) => (item.ok ? [item.ciphertext.toString('hex', 24, 48)] : []))
    expect(new Set(salts).size).toBe(600)
    const all = Buffer.concat(given).toString('hex')
    expect(salts.map((salt) => all.indexOf(salt))).not.toContain(-1)
    // Nothing is kept from one call for the next.
    expect(asked).toBe(6)
  })

  it('A11 that repeats itself makes many messages that repeat themselves', async () => {
    const same: Randomness = { uuid: () => base.uuid(), fill: (bytes) => void bytes.fill(7) }
    const stuck = await openKms({ random: same })
    await stuck.keys.create({ name: 'one', spec: 'AES_256' })
    const { items } = await stuck.encryptMany({ items: [0, 1].map(() => ({ key: 'one', plaintext: 'p' })) })
    expect(items[0]).toEqual(items[1])
    await stuck.close()
  })

  it('A11 is not asked where nothing is made', async () => {
    await kms.decrypt({ ciphertext: message })
    await codeOf(kms.decrypt({ ciphertext: message.subarray(1) }))
    expect(asked).toBe(0)
  })

  it('A11 that repeats itself makes messages that repeat themselves: there is no other source', async () => {
    const same: Randomness = { uuid: () => base.uuid(), fill: (bytes) => void bytes.fill(7) }
    const stuck = await openKms({ random: same })
    await stuck.keys.create({ name: 'one', spec: 'AES_256' })
    const [one, other] = [
      await stuck.encrypt({ key: 'one', plaintext: 'p' }),
      await stuck.encrypt({ key: 'one', plaintext: 'p' }),
    ]
    expect(one.ciphertext).toEqual(other.ciphertext)
    await stuck.close()
  })

  for (const [name, asks, call] of calls) {
    it.each(Array.from({ length: asks }, (_, at) => at + 1))(
      `A12 that fails makes ${name} fail (of ${asks}, number %i)`,
      async (at) => {
        failAt = at
        await expect(call()).rejects.toThrow('no entropy')
        failAt = Infinity
        const record = await latestRecord(kms)
        expect(record).toMatchObject({ status: 'FAILURE', reason: 'unexpected error' })
        expect(record.code).toBeUndefined()
        await call()
        expect((await latestRecord(kms)).status).toBe('SUCCESS')
      },
    )
  }

  it('A12 that fails makes no key, whatever it was asked for', async () => {
    fails = 'from then on'
    for (const at of [1, 2]) {
      asked = 0
      failAt = at
      const name = `unmade-${at}`
      await expect(kms.keys.create({ name, spec: 'AES_256' })).rejects.toThrow('no entropy')
      failAt = Infinity
      expect(await codeOf(kms.keys.get({ key: name }))).toBe('KEY_NOT_FOUND')
      const made = await kms.keys.create({ name, spec: 'AES_256' })
      expect((await made.describe()).currentVersion).toBe(1)
    }
  })

  it('A12 that fails leaves other calls of the same moment alone', async () => {
    failAt = 2
    const results = await Promise.allSettled([1, 2, 3].map(async () => kms.encrypt({ key: 'one', plaintext: 'p' })))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    failAt = Infinity
    expect((await refusal(kms.decrypt({ ciphertext: '' }))).code).toBe('INVALID_CIPHERTEXT')
  })
})
