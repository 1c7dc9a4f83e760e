import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataKey, derived, wrapped } from '../../src/envelope/suite.ts'
import type { Kms } from '../../src/index.ts'
import { codeOf, latestRecord, openKms, withHeader } from '../support/envelope-kms.ts'

const context = { table: 'customers', row: '42' }
const chunk = 16_400
let kms: Kms
let ids: { one: string; two: string }

beforeAll(async () => {
  kms = await openKms()
  const one = await kms.keys.create({ name: 'one', spec: 'AES_256' })
  const two = await kms.keys.create({ name: 'two', spec: 'AES_256' })
  ids = { one: one.id as string, two: two.id as string }
})
afterAll(async () => kms.close())

type Envelope = 'derived' | 'wrapped'
const envelopes: readonly Envelope[] = ['derived', 'wrapped']
const seal = async (
  envelope: Envelope,
  plaintext: Uint8Array | string = 'attack at dawn',
  key = 'one',
): Promise<Buffer> => (await kms.encrypt({ key, plaintext, context, envelope })).ciphertext

/** What each of these comes to, opened all at once. */
async function openAll(ciphertexts: readonly Buffer[], under: Record<string, string> = context): Promise<string[]> {
  const items = ciphertexts.map((ciphertext) => ({ ciphertext, context: under }))
  const outcomes: string[] = []
  for (let at = 0; at < items.length; at += 1000) {
    const { items: opened } = await kms.decryptMany({ items: items.slice(at, at + 1000) })
    outcomes.push(...opened.map((item) => (item.ok ? `opened: ${item.plaintext.toString()}` : item.error.code)))
  }
  return outcomes
}

/** Expects all to be refused as ciphertexts, and the first one to be recorded for this reason. */
async function expectInvalid(ciphertexts: readonly Buffer[], reason?: string): Promise<void> {
  expect(new Set(await openAll(ciphertexts))).toEqual(new Set(['INVALID_CIPHERTEXT']))
  expect(await codeOf(kms.decrypt({ ciphertext: ciphertexts[0] as Buffer, context }))).toBe('INVALID_CIPHERTEXT')
  const record = await latestRecord(kms)
  expect(record).toMatchObject({ action: 'decrypt', status: 'FAILURE', code: 'INVALID_CIPHERTEXT' })
  if (reason !== undefined) expect(record.reason).toBe(reason)
}

describe('a message that is damaged', () => {
  it.each(envelopes)('A1 by anything missing at its end does not open (%s)', async (envelope) => {
    const message = await seal(envelope)
    await expectInvalid(
      Array.from({ length: message.length }, (_, length) => message.subarray(0, length)),
      'not a CM1 message',
    )
    expect(await openAll([message])).toEqual(['opened: attack at dawn'])
  })

  it('A1 down to nothing, or never was one, does not open', async () => {
    await expectInvalid(
      Array.from({ length: 96 }, (_, length) => Buffer.alloc(length, 0x43)),
      'not a CM1 message',
    )
  })

  it('A2 because it is of another product does not open', async () => {
    const tail = Buffer.alloc(200, 1)
    const message = await seal('derived')
    await expectInvalid(
      [
        Buffer.concat([Buffer.from('vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w=='), tail]),
        Buffer.concat([Buffer.from([0x02, 0x05, 0x78]), tail]),
        Buffer.concat([Buffer.from('age-encryption.org/v1\n-> X25519 '), tail]),
        Buffer.concat([Buffer.from('CW1'), message.subarray(3)]),
        Buffer.concat([Buffer.from('cm1'), message.subarray(3)]),
        Buffer.concat([Buffer.from('CM2'), message.subarray(3)]),
        Buffer.from(JSON.stringify({ ciphertext: message.toString('base64') })),
        Buffer.from(message.toString('base64'), 'utf16le'),
        Buffer.from(message.toString('base64url'), 'utf8'),
        Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), message]),
      ],
      'not a CM1 message',
    )
    for (const text of [
      'vault:v1:8SDd3WHDOjf7',
      'age1qyqszqgpqyqszqgpqyqszqgp',
      '{"CM1":1}',
      'ECB=',
      ' ',
      'gAAAAABh',
    ]) {
      expect(await codeOf(kms.decrypt({ ciphertext: text, context }))).toBe('INVALID_CIPHERTEXT')
    }
  })

  it.each(envelopes)('A3 by a suite that it is not does not open, and nothing falls back (%s)', async (envelope) => {
    const message = await seal(envelope)
    const codes = Array.from({ length: 256 }, (_, code) => code).filter((code) => code !== message[3])
    const rewritten = codes.map((code) =>
      Buffer.concat([message.subarray(0, 3), Buffer.from([code]), message.subarray(4)]),
    )
    await expectInvalid(rewritten, 'not a CM1 message')
    for (const ciphertext of rewritten) {
      expect(await codeOf(kms.decryptDataKey({ ciphertext, context }))).toBe('INVALID_CIPHERTEXT')
    }
  })

  it.each(envelopes)('A4 by a version that is not its own does not open (%s)', async (envelope) => {
    await kms.key('two').rotate()
    const suite = envelope === 'wrapped' ? wrapped : derived
    const message = await seal(envelope)
    const as = (keyId: string, keyVersion: number): Buffer => withHeader(message, { suite, keyId, keyVersion })
    await expectInvalid([as(ids.one, 0)], 'not a CM1 message')
    await expectInvalid(
      [as(ids.one, 2), as(ids.one, 3), as(ids.one, 0x8000_0000), as(ids.one, 0xffff_ffff)],
      'no such version',
    )
    await expectInvalid([as(ids.two, 1), as(ids.two, 2)])
  })

  it.each(envelopes)('A6 by the id of another key, which its reader may use, does not open (%s)', async (envelope) => {
    const suite = envelope === 'wrapped' ? wrapped : derived
    const moved = withHeader(await seal(envelope), { suite, keyId: ids.two, keyVersion: 1 })
    await kms.grants.upsert({ principal: 'reader', key: 'two', operations: ['decrypt'] })
    expect(await codeOf(kms.as('reader').decrypt({ ciphertext: moved, context }))).toBe('INVALID_CIPHERTEXT')
    expect(await latestRecord(kms)).toMatchObject({ actor: 'reader', keyId: ids.two, keyVersion: 1 })
    await expectInvalid([moved])
  })

  it.each(envelopes)(
    'A6 does not open for whom it is not, even named as the key that they may use (%s)',
    async (envelope) => {
      await kms.grants.upsert({ principal: 'reader', key: 'two', operations: ['decrypt'] })
      const ciphertext = await seal(envelope)
      expect(await codeOf(kms.as('reader').decrypt({ ciphertext, context }))).toBe('ACCESS_DENIED')
      expect(await codeOf(kms.as('reader').decrypt({ ciphertext, context, key: 'two' }))).toBe('INVALID_CIPHERTEXT')
      expect((await latestRecord(kms)).reason).toBe('it is a message of another key')
    },
  )

  it.each(envelopes)('A7 by another of the versions that there are does not open (%s)', async (envelope) => {
    const key = await kms.keys.create({ name: `A7-${envelope}`, spec: 'AES_256' })
    await key.rotate()
    await key.rotate()
    const suite = envelope === 'wrapped' ? wrapped : derived
    const message = await seal(envelope, 'of version 3', `A7-${envelope}`)
    expect(message.readUInt32BE(20)).toBe(3)
    const as = (keyVersion: number): Buffer => withHeader(message, { suite, keyId: key.id as string, keyVersion })
    await expectInvalid([as(2), as(1)])
    expect(await openAll([as(3)])).toEqual(['opened: of version 3'])
  })
})

describe('a message of several chunks', () => {
  it.each(envelopes)(
    'A13 does not open with its chunks in any other order, number or length (%s)',
    async (envelope) => {
      const message = await seal(envelope, Buffer.alloc(40_000, 5))
      const start = envelope === 'wrapped' ? 184 : 80
      const head = message.subarray(0, start)
      const [first, second, last] = [0, 1, 2].map((at) =>
        message.subarray(start + at * chunk, start + (at + 1) * chunk),
      ) as [Buffer, Buffer, Buffer]
      const other = await seal(envelope, Buffer.alloc(40_000, 6))
      await expectInvalid(
        [
          Buffer.concat([head, second, first, last]),
          Buffer.concat([head, first, first, last]),
          Buffer.concat([head, first, last]),
          Buffer.concat([head, second, last]),
          Buffer.concat([head, first, second, second, last]),
          Buffer.concat([message, last]),
          Buffer.concat([message, Buffer.alloc(1)]),
          Buffer.concat([message, Buffer.alloc(16)]),
          Buffer.concat([message, message]),
          Buffer.concat([head, first, other.subarray(start + chunk)]),
          Buffer.concat([other.subarray(0, start), message.subarray(start)]),
        ],
        'a chunk is not authentic',
      )
    },
  )

  it.each(envelopes)('A14 does not open when it was cut where a chunk ends (%s)', async (envelope) => {
    for (const length of [16_384, 40_000]) {
      const message = await seal(envelope, Buffer.alloc(length, 5))
      const start = envelope === 'wrapped' ? 184 : 80
      const cuts = [start, start + chunk, start + 2 * chunk].filter((cut) => cut < message.length)
      await expectInvalid(
        cuts.toReversed().map((cut) => message.subarray(0, cut)),
        'no message has this length',
      )
    }
  })

  it('A13 does not open with the data key of another, nor as what its data key is', async () => {
    const [one, two] = [await seal('wrapped', 'one'), await seal('wrapped', 'two')]
    await expectInvalid(
      [Buffer.concat([one.subarray(0, 128), two.subarray(128)])],
      'the commitment is to another key or context',
    )
    const asDerived = withHeader(Buffer.concat([one.subarray(0, 24), one.subarray(24, 128)]), {
      suite: derived,
      keyId: ids.one,
      keyVersion: 1,
    })
    await expectInvalid([asDerived])
    const asDataKey = withHeader(asDerived, { suite: dataKey, keyId: ids.one, keyVersion: 1 })
    expect(await codeOf(kms.decryptDataKey({ ciphertext: asDataKey, context }))).toBe('INVALID_CIPHERTEXT')
    const body = withHeader(Buffer.concat([one.subarray(0, 24), one.subarray(128)]), {
      suite: derived,
      keyId: ids.one,
      keyVersion: 1,
    })
    await expectInvalid([body])
  })
})
