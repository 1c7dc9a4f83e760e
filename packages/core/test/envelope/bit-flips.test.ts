import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataKey, derived, privateKey, wrapped, type Suite } from '../../src/envelope/suite.ts'
import type { Kms, KmsClient } from '../../src/index.ts'
import { codeOf, fixedKeyId, flipBit, latestRecord, latestRecords, makeKeyOf } from '../support/envelope-kms.ts'
import { materialOf, openKms, scriptedRandomness, sealAs } from '../support/envelope-kms.ts'

const material = '5c'.repeat(32)
const context = { a: 'b' }
const random = scriptedRandomness('flips')
let kms: Kms
let reader: KmsClient
let everywhere: KmsClient

beforeAll(async () => {
  kms = await openKms({ random })
  await makeKeyOf({ kms, random }, { name: 'one', id: fixedKeyId, version: 3, material })
  const operations = ['decrypt', 'decryptDataKey'] as const
  await kms.grants.create({ principal: 'reader', key: 'one', operations })
  await kms.grants.create({ principal: 'everywhere', key: '*', operations })
  reader = kms.as('reader')
  everywhere = kms.as('everywhere')
})
afterAll(async () => kms.close())

const messageOf = async (suite: Suite): Promise<Buffer> =>
  sealAs(suite, materialOf(material, fixedKeyId, 3), { plaintext: Buffer.from('a'), context })

/** Every message with one bit changed. */
const flips = (message: Buffer): Buffer[] =>
  Array.from({ length: message.length * 8 }, (_, bit) => flipBit(message, bit))

/** What opening each of them comes to for a principal. */
async function outcomes(client: KmsClient, suite: Suite, ciphertexts: readonly Buffer[]): Promise<string[]> {
  if (suite.opens !== 'message') {
    return Promise.all(
      ciphertexts.map(async (ciphertext) =>
        client.decryptDataKey({ ciphertext, context }).then(
          () => 'opened',
          (error: { code: string }) => error.code,
        ),
      ),
    )
  }
  const all: string[] = []
  for (let at = 0; at < ciphertexts.length; at += 1000) {
    const items = ciphertexts.slice(at, at + 1000).map((ciphertext) => ({ ciphertext, context }))
    all.push(...(await client.decryptMany({ items })).items.map((item) => (item.ok ? 'opened' : item.error.code)))
  }
  return all
}

const inKeyId = (bit: number): boolean => bit >= 4 * 8 && bit < 20 * 8
const suites = [derived, wrapped, dataKey, privateKey]

describe('a message with a single bit changed', () => {
  it.each(suites)('A5 is refused an admin, wherever the bit is (suite $code)', async (suite) => {
    const message = await messageOf(suite)
    expect(await outcomes(kms, suite, [message])).toEqual(['opened'])
    const seen = await outcomes(kms, suite, flips(message))
    expect(seen).toEqual(seen.map(() => 'INVALID_CIPHERTEXT'))
  })

  it.each(suites)('A5 is refused a service; of another key it may not even know (suite $code)', async (suite) => {
    const message = await messageOf(suite)
    expect(await outcomes(reader, suite, [message])).toEqual(['opened'])
    const seen = await outcomes(reader, suite, flips(message))
    expect(seen).toEqual(seen.map((_, bit) => (inKeyId(bit) ? 'ACCESS_DENIED' : 'INVALID_CIPHERTEXT')))
  })

  it.each([derived, wrapped])(
    'A5 is refused a service that may use every key, as an admin (suite $code)',
    async (suite) => {
      const message = await messageOf(suite)
      expect(await outcomes(everywhere, suite, [message])).toEqual(['opened'])
      const header = flips(message).slice(0, 24 * 8)
      const seen = await outcomes(everywhere, suite, header)
      expect(seen).toEqual(seen.map(() => 'INVALID_CIPHERTEXT'))
    },
  )

  it.each(suites)('A5 is refused whoever has no grant as if the key were not there (suite $code)', async (suite) => {
    const message = await messageOf(suite)
    const bits = [4 * 8, 19 * 8, 20 * 8, 24 * 8, 50 * 8, message.length * 8 - 1]
    const seen = await outcomes(kms.as('nobody'), suite, [message, ...bits.map((bit) => flipBit(message, bit))])
    expect(seen).toEqual(seen.map(() => 'ACCESS_DENIED'))
  })
})

/** The reason that the record says, by the byte that was changed. */
function reasonAt(suite: Suite, at: number): string {
  const body = suite.wrapped ? 128 : 24
  if (at < 3) return 'not a CM1 message'
  if (at === 3) return suite.opens === 'message' ? 'not a CM1 message' : 'the commitment is to another key or context'
  if (at < 20) return 'no such key'
  if (at < 24) return 'no such version'
  if (at < body) return 'the data key does not open: wrong key, context or bytes'
  return at < body + 56 ? 'the commitment is to another key or context' : 'a chunk is not authentic'
}

describe('the record of a message with a single bit changed', () => {
  it.each(suites)('says what the caller is not told (suite $code)', async (suite) => {
    const message = await messageOf(suite)
    const verb = suite.opens === 'message' ? 'decrypt' : 'decryptDataKey'
    // The lowest bit tells suite 0x82 from 0x83, which the same verb opens; bit 2 makes of no suite another.
    const bitOfSuite = suite.opens === 'message' ? 2 : 0
    for (let at = 0; at < message.length; at++) {
      const ciphertext = flipBit(message, at * 8 + (at === 3 ? bitOfSuite : 4))
      expect(await codeOf(kms[verb]({ ciphertext, context }))).toBe('INVALID_CIPHERTEXT')
    }
    const records = (await latestRecords(kms, message.length)).toReversed()
    expect(records.map(({ reason }) => reason)).toEqual(records.map((_, at) => reasonAt(suite, at)))
    const known = (at: number): boolean => at >= 20 || (at === 3 && suite.opens !== 'message')
    for (const [at, record] of records.entries()) {
      expect(record).toMatchObject({ action: verb, status: 'FAILURE', code: 'INVALID_CIPHERTEXT', actor: 'owner' })
      expect(record.keyId === fixedKeyId).toBe(known(at))
      expect(record.keyVersion).toBe(known(at) && (at < 20 || at >= 24) ? 3 : undefined)
    }
  })

  it('is a denial where the key is another', async () => {
    const message = await messageOf(derived)
    expect(await codeOf(reader.decrypt({ ciphertext: flipBit(message, 4 * 8), context }))).toBe('ACCESS_DENIED')
    const denied = { actor: 'reader', status: 'DENIED', code: 'ACCESS_DENIED', reason: 'no grant covers it' }
    expect(await latestRecord(kms)).toMatchObject(denied)
  })
})
