import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { contexts, envelopes, plaintexts } from '../support/envelope-arbitraries.ts'
import { codeOf, flipBit, latestRecord, latestRecords, openKms } from '../support/envelope-kms.ts'

let kms: Kms
let ids: { one: string; two: string }

beforeAll(async () => {
  kms = await openKms()
  const one = await kms.keys.create({ name: 'one', spec: 'AES_256' })
  const two = await kms.keys.create({ name: 'two', spec: 'AES_256' })
  ids = { one: one.id as string, two: two.id as string }
})
afterAll(async () => kms.close())

describe('re-encryption', () => {
  test.prop([plaintexts, fc.tuple(contexts, contexts), envelopes], { numRuns: 20 })(
    'J127 keeps the plaintext; of a wrapped message the body too, of a derived one nothing',
    async (plaintext, [context, newContext], envelope) => {
      const { ciphertext } = await kms.encrypt({ key: 'one', plaintext, context, envelope })
      const moved = await kms.reEncrypt({ ciphertext, context, key: 'two', newContext })
      expect(moved).toMatchObject({ keyId: ids.two, keyVersion: 1, sourceKeyId: ids.one, sourceKeyVersion: 1 })
      expect(moved.ciphertext).toHaveLength(ciphertext.length)
      expect(moved.ciphertext[3]).toBe(ciphertext[3])
      const keeps = moved.ciphertext.subarray(128).equals(ciphertext.subarray(128))
      if (envelope === 'wrapped') expect(keeps).toBe(true)
      else if (ciphertext.length >= 144) expect(keeps).toBe(false)
      expect(moved.ciphertext.subarray(24, 96)).not.toEqual(ciphertext.subarray(24, 96))
      const opened = await kms.decrypt({ ciphertext: moved.ciphertext, context: newContext })
      expect(opened.plaintext.equals(plaintext)).toBe(true)
      expect(opened.keyId).toBe(ids.two)
    },
  )

  it.each(['derived', 'wrapped'] as const)(
    'without a key stays under the same, in its current version, and without a context under the same (%s)',
    async (envelope) => {
      const key = await kms.keys.create({ name: `rotating ${envelope}`.replace(' ', '-'), spec: 'AES_256' })
      const context = { a: 'b' }
      const { ciphertext } = await key.encrypt('plain', { context, envelope })
      await key.rotate()
      const moved = await kms.reEncrypt({ ciphertext, context })
      expect(moved).toMatchObject({ keyId: key.id, keyVersion: 2, sourceKeyId: key.id, sourceKeyVersion: 1 })
      expect(moved.ciphertext.readUInt32BE(20)).toBe(2)
      expect((await key.decrypt(moved.ciphertext, { context })).plaintext.toString()).toBe('plain')
      expect(await codeOf(key.decrypt(moved.ciphertext))).toBe('INVALID_CIPHERTEXT')
    },
  )

  it.each(['derived', 'wrapped'] as const)(
    'to another context leaves the old one behind, and the empty one is one (%s)',
    async (envelope) => {
      const context = { a: 'b' }
      const { ciphertext } = await kms.encrypt({ key: 'one', plaintext: 'plain', context, envelope })
      const moved = (await kms.reEncrypt({ ciphertext, context, newContext: {} })).ciphertext
      expect((await kms.decrypt({ ciphertext: moved })).plaintext.toString()).toBe('plain')
      expect(await codeOf(kms.decrypt({ ciphertext: moved, context }))).toBe('INVALID_CIPHERTEXT')
      expect((await kms.decrypt({ ciphertext, context })).plaintext.toString()).toBe('plain')
    },
  )

  it('as text gives text', async () => {
    const stored = await kms.encryptText({ key: 'one', plaintext: 'Grüße', context: { a: 'b' } })
    const moved = await kms.reEncryptText({
      ciphertext: stored,
      context: { a: 'b' },
      key: 'two',
      newContext: { c: 'd' },
    })
    expect(await kms.decryptText({ ciphertext: moved, context: { c: 'd' }, key: 'two' })).toBe('Grüße')
  })

  it('of a data key gives a data key', async () => {
    const { plaintext, ciphertext } = await kms.generateDataKey({ key: 'one' })
    const moved = (await kms.reEncrypt({ ciphertext, key: 'two' })).ciphertext
    expect(moved[3]).toBe(0x82)
    expect((await kms.decryptDataKey({ ciphertext: moved })).plaintext).toEqual(plaintext)
    expect(await codeOf(kms.decrypt({ ciphertext: moved }))).toBe('INVALID_CIPHERTEXT')
  })

  it.each(['derived', 'wrapped'] as const)('of what does not open is refused (%s)', async (envelope) => {
    const context = { a: 'b' }
    const { ciphertext } = await kms.encrypt({ key: 'one', plaintext: 'plain', context, envelope })
    expect(await codeOf(kms.reEncrypt({ ciphertext, context: { a: 'c' }, key: 'two' }))).toBe('INVALID_CIPHERTEXT')
    expect(await codeOf(kms.reEncrypt({ ciphertext, key: 'two' }))).toBe('INVALID_CIPHERTEXT')
    for (const at of [0, 3, 20, 24, 60, 90]) {
      expect(await codeOf(kms.reEncrypt({ ciphertext: flipBit(ciphertext, at * 8), context }))).toBe(
        'INVALID_CIPHERTEXT',
      )
    }
    for (const length of [0, 24, 95]) {
      expect(await codeOf(kms.reEncrypt({ ciphertext: ciphertext.subarray(0, length), context }))).toBe(
        'INVALID_CIPHERTEXT',
      )
    }
  })

  it('is two rights, and is recorded as two', async () => {
    const { ciphertext } = await kms.encrypt({ key: 'one', plaintext: 'plain' })
    const mover = kms.as('mover')
    const allow = async (key: string, operation: 'reEncryptFrom' | 'reEncryptTo'): Promise<unknown> =>
      kms.grants.create({ principal: 'mover', key, operations: [operation] })
    expect(await codeOf(mover.reEncrypt({ ciphertext, key: 'two' }))).toBe('ACCESS_DENIED')
    await allow('two', 'reEncryptTo')
    expect(await codeOf(mover.reEncrypt({ ciphertext, key: 'two' }))).toBe('ACCESS_DENIED')
    await allow('one', 'reEncryptFrom')
    const moved = await mover.reEncrypt({ ciphertext, key: 'two' })
    const records = await latestRecords(kms, 2)
    expect(records.map(({ action, keyId, status, actor }) => [action, keyId, status, actor])).toEqual([
      ['reEncryptTo', ids.two, 'SUCCESS', 'mover'],
      ['reEncryptFrom', ids.one, 'SUCCESS', 'mover'],
    ])
    expect(await codeOf(mover.reEncrypt({ ciphertext }))).toBe('ACCESS_DENIED')
    expect(await codeOf(mover.decrypt({ ciphertext: moved.ciphertext }))).toBe('ACCESS_DENIED')
  })

  it('of many is each on its own', async () => {
    const context = { a: 'b' }
    const sealed = await Promise.all(
      (['derived', 'wrapped'] as const).map(async (envelope) =>
        kms.encrypt({ key: 'one', plaintext: envelope, context, envelope }),
      ),
    )
    const items = [
      ...sealed.map(({ ciphertext }, at) => ({ ciphertext, context, key: 'two', reference: `good ${at}` })),
      { ciphertext: sealed[0]?.ciphertext ?? '', context: {}, reference: 'wrong context' },
    ]
    const moved = (await kms.reEncryptMany({ items })).items
    expect(moved.map(({ ok, reference }) => [ok, reference])).toEqual([
      [true, 'good 0'],
      [true, 'good 1'],
      [false, 'wrong context'],
    ])
    expect(moved[2]?.ok === false && moved[2].error.code).toBe('INVALID_CIPHERTEXT')
    for (const [at, item] of moved.slice(0, 2).entries()) {
      if (!item.ok) throw item.error
      const { plaintext } = await kms.decrypt({ ciphertext: item.ciphertext, context })
      expect(plaintext.toString()).toBe(['derived', 'wrapped'][at])
      expect(item.sourceKeyId).toBe(ids.one)
    }
    expect((await latestRecord(kms)).action).toBe('decrypt')
  })
})
