import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { derived } from '../../src/envelope/suite.ts'
import type { Ciphertext, Kms, KmsClient } from '../../src/index.ts'
import { flipBit, latestRecord, openKms, refusal, visible, withHeader } from '../support/envelope-kms.ts'

const context = { a: 'b' }
let kms: Kms
let message: Buffer
let wrapped: Buffer
let dataKey: Buffer
let keyId: string

beforeAll(async () => {
  kms = await openKms()
  keyId = (await kms.keys.create({ name: 'one', spec: 'AES_256' })).id as string
  await kms.keys.create({ name: 'two', spec: 'AES_256' })
  const sealed = async (envelope: 'derived' | 'wrapped'): Promise<Buffer> =>
    (await kms.encrypt({ key: 'one', plaintext: 'attack at dawn', context, envelope })).ciphertext
  message = await sealed('derived')
  wrapped = await sealed('wrapped')
  dataKey = (await kms.generateDataKey({ key: 'one', context })).ciphertext
  await kms.grants.create({ principal: 'reader', key: '*', operations: ['decrypt', 'decryptDataKey', 'reEncryptFrom'] })
})
afterAll(async () => kms.close())

interface Attempt {
  readonly ciphertext: Ciphertext
  readonly context?: Record<string, string>
  readonly key?: string
}

const elsewhere = 'fedcba98-7654-4321-8fed-cba987654321'

/** Every cause that there is, and the reason that its record says. */
const causes: readonly [cause: string, make: () => Attempt, reason: string][] = [
  ['nothing', () => ({ ciphertext: '' }), 'not a CM1 message'],
  ['a text', () => ({ ciphertext: 'hello' }), 'not canonical base64url'],
  ['padding', () => ({ ciphertext: `${message.toString('base64')}=` }), 'not canonical base64url'],
  ['another magic', () => ({ ciphertext: flipBit(message, 0) }), 'not a CM1 message'],
  ['another suite', () => ({ ciphertext: flipBit(message, 30) }), 'not a CM1 message'],
  ['a truncated header', () => ({ ciphertext: message.subarray(0, 20) }), 'not a CM1 message'],
  ['a truncated message', () => ({ ciphertext: message.subarray(0, 95) }), 'not a CM1 message'],
  ['a verb that is another', () => ({ ciphertext: dataKey }), 'another verb opens this suite'],
  ['a key that is not there', () => ({ ciphertext: as(elsewhere, 1) }), 'no such key'],
  ['a version that is not there', () => ({ ciphertext: as(keyId, 7) }), 'no such version'],
  ['a key that is named and another', () => ({ ciphertext: message, key: 'two' }), 'it is a message of another key'],
  ['the context', () => ({ ciphertext: message, context: {} }), 'the commitment is to another key or context'],
  ['the salt', () => ({ ciphertext: flipBit(message, 24 * 8) }), 'the commitment is to another key or context'],
  ['the commitment', () => ({ ciphertext: flipBit(message, 48 * 8) }), 'the commitment is to another key or context'],
  ['the ciphertext', () => ({ ciphertext: flipBit(message, 80 * 8) }), 'a chunk is not authentic'],
  ['the tag', () => ({ ciphertext: flipBit(message, message.length * 8 - 1) }), 'a chunk is not authentic'],
  [
    'the context of a wrapped one',
    () => ({ ciphertext: wrapped, context: {} }),
    'the data key does not open: wrong key, context or bytes',
  ],
  [
    'the data key',
    () => ({ ciphertext: flipBit(wrapped, 90 * 8) }),
    'the data key does not open: wrong key, context or bytes',
  ],
  [
    'the salt of a body',
    () => ({ ciphertext: flipBit(wrapped, 128 * 8) }),
    'the commitment is to another key or context',
  ],
  ['the tag of a body', () => ({ ciphertext: flipBit(wrapped, wrapped.length * 8 - 1) }), 'a chunk is not authentic'],
]

const as = (id: string, keyVersion: number): Buffer => withHeader(message, { suite: derived, keyId: id, keyVersion })

const attempt = async (client: KmsClient, { ciphertext, context: under = context, key }: Attempt): Promise<unknown> =>
  client.decrypt({ ciphertext, context: under, ...(key === undefined ? {} : { key }) }, { requestId: 'r1' })

describe('a message that does not open', () => {
  const expected = {
    name: 'InvalidCiphertextError',
    kind: 'InvalidCiphertextError',
    code: 'INVALID_CIPHERTEXT',
    message: 'the ciphertext does not open',
    text: 'InvalidCiphertextError: the ciphertext does not open',
    retryable: false,
    requestId: 'r1',
    json: JSON.stringify({
      name: 'InvalidCiphertextError',
      code: 'INVALID_CIPHERTEXT',
      message: 'the ciphertext does not open',
      retryable: false,
      requestId: 'r1',
    }),
    'Symbol(chatelaine.KmsError)': true,
  }

  it.each(causes)('A24 is refused an admin in the same words, be it for %s', async (_, make) => {
    const error = await refusal(attempt(kms, make()))
    expect(visible(error)).toEqual(expected)
    expect(error.cause).toBeUndefined()
  })

  it.each(causes)('A24 is refused a service in the same words, be it for %s', async (_, make) => {
    const error = await refusal(attempt(kms.as('reader'), make()))
    expect(visible(error)).toEqual(expected)
  })

  it.each(causes)('A24 is recorded with its reason, which the error does not know: for %s', async (_, make, reason) => {
    const error = await refusal(attempt(kms, make()))
    const record = await latestRecord(kms)
    expect(record).toMatchObject({
      action: 'decrypt',
      status: 'FAILURE',
      code: 'INVALID_CIPHERTEXT',
      reason,
      requestId: 'r1',
    })
    expect(inspect(error, { showHidden: true, depth: 5 })).not.toContain(reason)
  })

  it('A24 is refused by every verb in the same words', async () => {
    const bad = flipBit(message, message.length * 8 - 1)
    const badKey = flipBit(dataKey, dataKey.length * 8 - 1)
    const options = { requestId: 'r1' }
    const errors = await Promise.all([
      refusal(kms.decryptText({ ciphertext: bad, context }, options)),
      refusal(kms.decryptJson({ ciphertext: bad, context }, options)),
      refusal(kms.reEncrypt({ ciphertext: bad, context }, options)),
      refusal(kms.reEncryptText({ ciphertext: bad, context }, options)),
      refusal(kms.decryptDataKey({ ciphertext: badKey, context }, options)),
      refusal(kms.key('one').decrypt(bad, { context, ...options })),
      refusal(kms.key('one').decryptDataKey(badKey, { context, ...options })),
    ])
    for (const error of errors) expect(visible(error)).toEqual(expected)
    const [item] = (await kms.decryptMany({ items: [{ ciphertext: bad, context }] })).items
    const alone = item?.ok === false ? visible(item.error) : {}
    expect({ ...alone, requestId: 'r1', json: expected.json }).toEqual(expected)
  })

  it('A24 does not stop the others of one call, whatever is wrong with it', async () => {
    const items = [
      { ciphertext: message, context, reference: 'good' },
      { ciphertext: flipBit(message, 800), context, reference: 'changed' },
      { ciphertext: 'not base64url!', context, reference: 'text' },
      { ciphertext: wrapped.toString('base64url'), context, reference: 'good too' },
    ]
    const opened = (await kms.decryptMany({ items })).items
    expect(opened.map((item) => [item.reference, item.ok ? 'opened' : item.error.code])).toEqual([
      ['good', 'opened'],
      ['changed', 'INVALID_CIPHERTEXT'],
      ['text', 'INVALID_CIPHERTEXT'],
      ['good too', 'opened'],
    ])
  })

  it('I125 leaves nothing behind that the next one would trip over', async () => {
    for (const [, make] of causes) {
      await refusal(attempt(kms, make()))
      const { plaintext } = await kms.decrypt({ ciphertext: message, context })
      expect(plaintext.toString()).toBe('attack at dawn')
    }
  })
})

describe('whoever has no grant', () => {
  const denied = {
    name: 'AccessDeniedError',
    code: 'ACCESS_DENIED',
    message: 'this principal may not do this',
    retryable: false,
    json: JSON.stringify({
      name: 'AccessDeniedError',
      code: 'ACCESS_DENIED',
      message: 'this principal may not do this',
      retryable: false,
    }),
  }

  it('A24 cannot tell a key from none, nor its versions and states, nor a good message from a bad one', async () => {
    const nobody = kms.as('nobody')
    const messages: Buffer[] = [message, flipBit(message, 800), as(elsewhere, 1), as(keyId, 9)]
    for (const change of ['disabled', 'revoked', 'deleted'] as const) {
      const key = await kms.keys.create({ name: change, spec: 'AES_256' })
      messages.push((await key.encrypt('p', { context })).ciphertext)
      if (change === 'disabled') await key.disable()
      if (change === 'revoked') await kms.keys.revoke({ key: change, reason: 'a test' })
      if (change === 'deleted') await kms.keys.scheduleDeletion({ key: change })
    }
    for (const ciphertext of messages) {
      expect(visible(await refusal(nobody.decrypt({ ciphertext, context })))).toMatchObject(denied)
      expect(visible(await refusal(nobody.reEncrypt({ ciphertext, context })))).toMatchObject(denied)
      const named = refusal(nobody.decrypt({ ciphertext, context, key: 'nothing-of-this-name' }))
      expect(visible(await named)).toMatchObject(denied)
    }
    for (const key of ['one', 'disabled', 'revoked', 'deleted', 'nothing-of-this-name', elsewhere]) {
      expect(visible(await refusal(nobody.encrypt({ key, plaintext: 'p' })))).toMatchObject(denied)
    }
  })
})

describe('whoever may use a key that is not usable', () => {
  it.each(['disabled', 'revoked', 'pending'] as const)(
    'A24 is told its state, from the header alone: %s',
    async (change) => {
      const key = await kms.keys.create({ name: `state-${change}`, spec: 'AES_256' })
      const { ciphertext } = await key.encrypt('p', { context })
      if (change === 'disabled') await key.disable()
      if (change === 'revoked') await kms.keys.revoke({ key: key.id as string, reason: 'a test' })
      if (change === 'pending') await kms.keys.scheduleDeletion({ key: key.id as string })
      const tries = [ciphertext, flipBit(ciphertext, 400), flipBit(ciphertext, ciphertext.length * 8 - 1)]
      for (const client of [kms, kms.as('reader')]) {
        const errors = []
        for (const bytes of tries) errors.push(visible(await refusal(client.decrypt({ ciphertext: bytes, context }))))
        errors.push(visible(await refusal(client.decrypt({ ciphertext, context: {} }))))
        expect(errors.map(({ code }) => code)).toEqual(errors.map(() => 'INVALID_KEY_STATE'))
        for (const error of errors) expect(error).toEqual(errors[0])
      }
    },
  )
})
