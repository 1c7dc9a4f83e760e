import { createHash } from 'node:crypto'
import { inflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { suites, type Suite } from '../../src/envelope/suite.ts'
import type { Kms } from '../../src/index.ts'
import { makeKeyOf, materialOf, openKms, refusal, scriptedRandomness, sealAs } from '../support/envelope-kms.ts'
import { portionsOf, through } from '../support/streams.ts'
import { readForeign, titleOf, whyWithout } from '../support/envelope-vectors.ts'

interface Vector {
  readonly id: number
  readonly result: 'valid' | 'invalid'
  readonly operation?: 'decryptDataKey'
  readonly why?: string
  readonly suite?: number
  readonly ec: Readonly<Record<string, string>>
  readonly ptLen?: number
  readonly ptHex?: string
  readonly secretHex?: string
  readonly keyVersion?: number
  readonly keyId?: string
  readonly salt?: string
  readonly dek?: string
  readonly bodySalt?: string
  readonly ctLen?: number
  readonly ctSha256?: string
  readonly ctZlibHex?: string
  readonly ctHex?: string
}

const why = whyWithout('cm1.json')
const { kvHex, tests } =
  why === undefined ? readForeign<{ kvHex: string; tests: Vector[] }>('cm1.json') : { kvHex: '', tests: [] }
const keyId = '26deba78-ec38-c422-8352-dfed03d2b52b'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

function plaintextOf({ ptHex, secretHex, ptLen = 0 }: Vector): Buffer {
  if (ptHex !== undefined || secretHex !== undefined) return hex((ptHex ?? secretHex) as string)
  return Buffer.from(Uint8Array.from({ length: ptLen }, (_, at) => 7 * at + ptLen))
}

function ciphertextOf({ ctHex, ctZlibHex = '' }: Vector): Buffer {
  return ctHex === undefined ? inflateSync(hex(ctZlibHex)) : hex(ctHex)
}

const random = scriptedRandomness('cm1')
let kms: Kms

beforeAll(async () => {
  kms = await openKms({ random })
  if (why === undefined) await makeKeyOf({ kms, random }, { name: 'vectors', id: keyId, version: 7, material: kvHex })
})
afterAll(async () => kms.close())

/** What opens at once opens piece by piece too, and in ranges. */
async function openStreamed({ ec: context, ...vector }: Vector, plaintext: Buffer): Promise<void> {
  const ciphertext = ciphertextOf({ ...vector, ec: context })
  const streamed = await through(kms.decryptStream({ context }), portionsOf(ciphertext, [1000, 1, 16_400]))
  expect(streamed.equals(plaintext)).toBe(true)
  const range = await kms.decryptRange({ ciphertext, context, start: 1, end: 20_000 })
  expect(range.plaintext.equals(plaintext.subarray(1, 20_000))).toBe(true)
}

/** Opens with the verb that the vector is for, from bytes and from text. */
async function open(vector: Vector): Promise<Buffer> {
  const verb = vector.operation ?? 'decrypt'
  const bytes = ciphertextOf(vector)
  const opened = await kms[verb]({ ciphertext: bytes, context: vector.ec })
  const again = await kms[verb]({ ciphertext: bytes.toString('base64url'), context: vector.ec, key: 'vectors' })
  expect(again).toEqual(opened)
  expect(opened).toMatchObject({ keyId, keyVersion: 7 })
  if (verb === 'decrypt') await openStreamed(vector, opened.plaintext)
  return opened.plaintext
}

/** A stream makes the same of the same randomness, which is told again afterwards. */
async function expectStreamed(vector: Vector): Promise<void> {
  const { ec: context, salt = '', dek = '', bodySalt = '' } = vector
  const streamed = await through(kms.encryptStream({ key: 'vectors', context }), portionsOf(plaintextOf(vector), [999]))
  expect(streamed.equals(ciphertextOf(vector))).toBe(true)
  random.tell(dek, salt, bodySalt)
}

/** Makes the ciphertext again from the randomness of the vector. */
async function make(vector: Vector): Promise<Buffer> {
  const { ec: context, salt = '', suite } = vector
  const plaintext = plaintextOf(vector)
  if (suite === 0x83) {
    const told = scriptedRandomness('')
    told.tell(salt)
    return sealAs(suites.get(suite) as Suite, materialOf(kvHex, keyId, 7), { plaintext, context, random: told })
  }
  if (suite === 0x82) {
    random.tell(plaintext, salt)
    return (await kms.generateDataKey({ key: 'vectors', numberOfBytes: plaintext.length, context })).ciphertext
  }
  if (suite === 0x02) random.tell(vector.dek ?? '', salt, vector.bodySalt ?? '')
  else random.tell(salt)
  const envelope = suite === 0x02 ? 'wrapped' : 'derived'
  if (suite === 0x02) await expectStreamed(vector)
  return (await kms.encrypt({ key: 'vectors', plaintext, context, envelope })).ciphertext
}

describe('the CM1 vectors', () => {
  it(titleOf('are 72, of which 24 are valid', why), (ctx) => {
    if (why !== undefined) ctx.skip(why)
    expect(tests).toHaveLength(72)
    expect(tests.filter(({ result }) => result === 'valid')).toHaveLength(24)
  })

  it.each(tests.filter(({ result }) => result === 'valid'))('$id opens', async (vector) => {
    const ciphertext = ciphertextOf(vector)
    expect(ciphertext).toHaveLength(vector.ctLen as number)
    if (vector.ctSha256 !== undefined) {
      expect(createHash('sha256').update(ciphertext).digest('hex')).toBe(vector.ctSha256)
    }
    expect((await open(vector)).equals(plaintextOf(vector))).toBe(true)
  })

  it.each(tests.filter(({ result, salt }) => result === 'valid' && salt !== undefined))(
    '$id is what comes out for its salt and data key',
    async (vector) => {
      expect((await make(vector)).equals(ciphertextOf(vector))).toBe(true)
      expect(random.left()).toBe(0)
    },
  )

  it.each(tests.filter(({ result, suite }) => result === 'valid' && suite === 0x02))(
    'J127 $id is put under another context by its header, and as a stream: its body stays, and opens there alone',
    async (vector) => {
      const message = ciphertextOf(vector)
      const [context, newContext] = [vector.ec, { moved: 'yes' }]
      const { header } = await kms.reEncryptHeader({ header: message.subarray(0, 128), context, newContext })
      const byHeader = Buffer.concat([header, message.subarray(128)])
      const asStream = await through(kms.reEncryptStream({ context, newContext }), portionsOf(message, [1000, 1]))
      expect(asStream.subarray(128).equals(message.subarray(128))).toBe(true)
      for (const moved of [byHeader, asStream]) {
        const { plaintext } = await kms.decrypt({ ciphertext: moved, context: newContext })
        expect(plaintext.equals(plaintextOf(vector))).toBe(true)
        expect((await refusal(kms.decrypt({ ciphertext: moved, context }))).code).toBe('INVALID_CIPHERTEXT')
      }
    },
  )

  it.each(tests.filter(({ result }) => result === 'invalid'))('$id does not open: $why', async (vector) => {
    if (vector.operation === undefined) {
      const streamed = through(kms.decryptStream({ context: vector.ec }), [ciphertextOf(vector)])
      expect((await refusal(streamed)).code).toBe('INVALID_CIPHERTEXT')
    }
    const error = await refusal(open(vector))
    expect(error.code).toBe('INVALID_CIPHERTEXT')
    expect(error.message).toBe('the ciphertext does not open')
  })
})
