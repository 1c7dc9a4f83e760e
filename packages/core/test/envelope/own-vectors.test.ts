import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { secretKey } from '../../src/crypto/secret-key.ts'
import { suites, type Suite } from '../../src/envelope/suite.ts'
import type { Kms } from '../../src/index.ts'
import { unwrapSecret, wrapSecret, type Identity } from '../../src/keys/wrapping.ts'
import { makeKeyOf, materialOf, openKms, scriptedRandomness, sealAs } from '../support/envelope-kms.ts'
import { readOwn } from '../support/envelope-vectors.ts'

interface Message {
  readonly id: number
  readonly suite: number
  readonly context: Readonly<Record<string, string>>
  readonly salt: string
  readonly dataKey?: string
  readonly bodySalt?: string
  readonly plaintext?: string
  readonly plaintextLength?: number
  readonly ciphertext?: string
  readonly ciphertextSha256?: string
}

interface Messages {
  readonly material: string
  readonly keyId: string
  readonly keyVersion: number
  readonly tests: readonly Message[]
}

interface Wrapped {
  readonly id: number
  readonly identity: Identity
  readonly salt: string
  readonly secret: string
  readonly wrapped: string
}

const cm1 = readOwn<Messages>('cm1-own.json')
const cw1 = readOwn<{ wrapKey: string; tests: Wrapped[] }>('cw1.json')
const hex = (text: string): Buffer => Buffer.from(text, 'hex')

function plaintextOf({ plaintext, plaintextLength = 0 }: Message): Buffer {
  if (plaintext !== undefined) return hex(plaintext)
  const counting = Buffer.alloc(plaintextLength)
  for (let at = 0; at < plaintextLength; at++) counting[at] = at % 251
  return counting
}

/** Seals with the randomness of the vector: what the verbs would make of it, for suites without a verb too. */
async function make(message: Message): Promise<Buffer> {
  const random = scriptedRandomness('')
  random.tell(...(message.dataKey === undefined ? [] : [message.dataKey]), message.salt, message.bodySalt ?? '')
  const material = materialOf(cm1.material, cm1.keyId, cm1.keyVersion)
  const suite = suites.get(message.suite) as Suite
  return sealAs(suite, material, { plaintext: plaintextOf(message), context: message.context, random })
}

describe('our own CM1 vectors', () => {
  const random = scriptedRandomness('own vectors')
  let kms: Kms

  beforeAll(async () => {
    kms = await openKms({ random })
    const { keyId: id, keyVersion: version, material } = cm1
    await makeKeyOf({ kms, random }, { name: 'vectors', id, version, material })
  })
  afterAll(async () => kms.close())

  it.each(cm1.tests)('A25 $id is made byte by byte as it was', async (message) => {
    const made = await make(message)
    if (message.ciphertext !== undefined) expect(made.toString('hex')).toBe(message.ciphertext)
    else expect(createHash('sha256').update(made).digest('hex')).toBe(message.ciphertextSha256)
  })

  it.each(cm1.tests)('A25 $id opens, today as on the day it was made', async (message) => {
    const ciphertext = message.ciphertext === undefined ? await make(message) : hex(message.ciphertext)
    const verb = message.suite >= 0x80 ? 'decryptDataKey' : 'decrypt'
    const { plaintext, keyId, keyVersion } = await kms[verb]({ ciphertext, context: message.context })
    expect(plaintext.equals(plaintextOf(message))).toBe(true)
    expect({ keyId, keyVersion }).toEqual({ keyId: cm1.keyId, keyVersion: cm1.keyVersion })
  })
})

describe('the CW1 vectors', () => {
  const wrapKey = secretKey(hex(cw1.wrapKey))

  it.each(cw1.tests)('A25 $id is wrapped byte by byte as it was', ({ identity, salt, secret, wrapped }) => {
    const random = scriptedRandomness('')
    random.tell(salt)
    const made = wrapSecret(wrapKey, identity, { bytes: hex(secret), random })
    expect(made.toString('hex')).toBe(wrapped)
    expect(random.asked).toEqual([24])
  })

  it.each(cw1.tests)('A25 $id is unwrapped again', ({ identity, secret, wrapped }) => {
    expect(unwrapSecret(wrapKey, identity, hex(wrapped)).toString('hex')).toBe(secret)
  })
})
