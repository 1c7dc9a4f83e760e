import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isCiphertext, type Kms } from '../../src/index.ts'
import { expectCode, makeWorld } from '../support/kms.ts'
import { makeTarget } from '../support/verbs.ts'

async function world() {
  const made = await makeWorld()
  return { ...made, ...(await makeTarget(made.kms, 'k')) }
}

async function textOf(kms: Kms, text: string): Promise<string> {
  return kms.encryptText({ key: 'k', plaintext: text, context: { c: 'd' } })
}

describe('isCiphertext', () => {
  test('recognizes what is ours, in bytes and in text, and nothing else', async () => {
    const { kms, message, dataKey } = await world()
    const ours = [message, dataKey, new Uint8Array(message), message.toString('base64url'), await textOf(kms, '')]
    expect(ours.map(isCiphertext)).toEqual(ours.map(() => true))
    const text = await textOf(kms, 'text')
    const others = [
      '',
      'plain text',
      'Q00x',
      text.slice(0, 31),
      `${text.slice(0, 40)}=`,
      text.replaceAll('-', '+').slice(0, 33),
      'vault:v1:AAAA',
      message.toString('hex'),
      message.subarray(0, 23),
      Buffer.alloc(200),
      null,
      undefined,
      42,
      {},
      [...message],
      new String(text),
    ]
    expect(others.map(isCiphertext)).toEqual(others.map(() => false))
  })

  test('never throws, and takes no plain text for ours', () => {
    fc.assert(
      fc.property(fc.anything(), fc.string(), (value, text) => {
        expect(isCiphertext(value)).toBe(false)
        expect(isCiphertext(text)).toBe(false)
      }),
    )
  })

  test('says nothing of whether it opens', async () => {
    const { kms, message } = await world()
    const flipped = Buffer.from(message)
    flipped[flipped.length - 1]! ^= 1
    expect(isCiphertext(flipped)).toBe(true)
    await expectCode(kms.decrypt({ ciphertext: flipped }), 'INVALID_CIPHERTEXT')
  })
})
