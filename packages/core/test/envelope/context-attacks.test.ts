import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { codeOf, latestRecord, openKms, refusal } from '../support/envelope-kms.ts'

const context = { table: 'customers', row: '42' }
const envelopes = ['derived', 'wrapped'] as const
let kms: Kms

beforeAll(async () => {
  kms = await openKms()
  await kms.keys.create({ name: 'one', spec: 'AES_256' })
})
afterAll(async () => kms.close())

const seal = async (envelope: (typeof envelopes)[number]): Promise<Buffer> =>
  (await kms.encrypt({ key: 'one', plaintext: 'attack at dawn', context, envelope })).ciphertext

/** What a message comes to under a context: its plaintext, or the code of the refusal. */
async function openUnder(ciphertext: Buffer, under: Record<string, string>): Promise<string> {
  const [item] = (await kms.decryptMany({ items: [{ ciphertext, context: under }] })).items
  return item?.ok === true ? `opened: ${item.plaintext.toString()}` : String(item?.error.code)
}

describe('an encryption context', () => {
  const other: readonly [string, Record<string, string>][] = [
    ['that is missing', {}],
    ['that lacks a pair', { table: 'customers' }],
    ['with a pair more', { ...context, more: '' }],
    ['with a value changed', { ...context, row: '43' }],
    ['with a value moved into a key', { table: 'customers', row4: '2' }],
    ['with a value moved to the next pair', { table: 'customersrow', row: '42' }],
    ['with its values exchanged', { table: '42', row: 'customers' }],
    ['with a key in other letters', { Table: 'customers', row: '42' }],
    ['with white space', { table: 'customers', row: '42 ' }],
  ]

  it.each(envelopes)('A8 that is the same in another order opens (%s)', async (envelope) => {
    const { ciphertext } = await kms.encrypt({
      key: 'one',
      plaintext: 'plain',
      context: { 9: 'x', 10: 'y', b: '1', a: '2' },
      envelope,
    })
    const opened = await openUnder(ciphertext, { a: '2', b: '1', 10: 'y', 9: 'x' })
    expect(opened).toBe('opened: plain')
  })

  for (const envelope of envelopes) {
    it.each(other)(`A8 %s does not open a message (${envelope})`, async (_, under) => {
      const ciphertext = await seal(envelope)
      expect(await codeOf(kms.decrypt({ ciphertext, context: under }))).toBe('INVALID_CIPHERTEXT')
    })

    it.each<[Record<string, string>, Record<string, string>]>([
      [{ a: 'bc' }, { ab: 'c' }],
      [{ a: 'b,c' }, { a: 'b', c: '' }],
      [{ é: 'x' }, { 'e\u0301': 'x' }],
      [
        { '\uffff': 'x', '\u{10000}': 'y' },
        { '\uffff': 'y', '\u{10000}': 'x' },
      ],
      [{ a: '\0' }, { a: '' }],
    ])(`A8 of %j and one of %j never open each other's ciphertext (${envelope})`, async (one, two) => {
      for (const [mine, theirs] of [
        [one, two],
        [two, one],
      ] as const) {
        const { ciphertext } = await kms.encrypt({ key: 'one', plaintext: 'p', context: mine, envelope })
        expect(await openUnder(ciphertext, mine)).toBe('opened: p')
        expect(await openUnder(ciphertext, theirs)).toBe('INVALID_CIPHERTEXT')
      }
    })
  }

  it('A9 that cannot be encoded is refused by every verb before anything else', async () => {
    const bad = { a: '\ud800' }
    const ciphertext = await seal('derived')
    const before = (await latestRecord(kms)).seq
    const calls = [
      kms.encrypt({ key: 'one', plaintext: 'p', context: bad }),
      kms.decrypt({ ciphertext, context: bad }),
      kms.reEncrypt({ ciphertext, context: bad }),
      kms.reEncrypt({ ciphertext, context, newContext: bad }),
      kms.encryptText({ key: 'one', plaintext: 'p', context: bad }),
      kms.generateDataKey({ key: 'one', context: bad }),
      kms.decryptDataKey({ ciphertext, context: bad }),
      kms.encrypt({ key: 'one', plaintext: 'p', context: null as unknown as Record<string, string> }),
    ]
    for (const call of calls) {
      const error = await refusal(call)
      expect(error.code).toBe('INVALID_REQUEST')
      expect(error.message).toContain('encryption context')
    }
    expect((await latestRecord(kms)).seq).toBe(before + 1)
  })

  it('E75 of the largest size gives a whole record, with a keyed hash for each pair', async () => {
    const large = Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`${at}`.padEnd(60, 'k'), 'v'.repeat(60)]))
    const { ciphertext } = await kms.encrypt(
      { key: 'one', plaintext: 'p', context: large },
      { requestId: 'r'.repeat(128) },
    )
    const record = await latestRecord(kms)
    expect(record).toMatchObject({ action: 'encrypt', status: 'SUCCESS', requestId: 'r'.repeat(128) })
    expect(new Set(record.context).size).toBe(64)
    expect(record.context?.every((hash) => /^[0-9a-f]{32}$/.test(hash))).toBe(true)
    expect(JSON.stringify(record)).not.toContain('vvvv')
    expect(await openUnder(ciphertext, large)).toBe('opened: p')
  })
})
