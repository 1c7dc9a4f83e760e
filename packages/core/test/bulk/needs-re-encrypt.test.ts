import { describe, expect, test } from 'vitest'
import { expectCode, makeWorld, recordOf } from '../support/kms.ts'
import { makeTarget } from '../support/verbs.ts'

async function world() {
  const made = await makeWorld()
  return { ...made, a: await makeTarget(made.kms, 'a'), b: await makeTarget(made.kms, 'b') }
}

describe('whether a message needs re-encryption', () => {
  test('is whether it is under anything but the current version of its key', async () => {
    const { kms, a } = await world()
    const of = async (ciphertext: Buffer | string) => kms.needsReEncrypt({ ciphertext })
    expect(await of(a.message)).toEqual({ needed: false, keyId: a.id, keyVersion: 1, currentVersion: 1 })
    await kms.keys.rotate({ key: 'a' })
    for (const each of [a.message, a.dataKey, a.message.toString('base64url')]) {
      expect(await of(each)).toEqual({ needed: true, keyId: a.id, keyVersion: 1, currentVersion: 2 })
    }
    const { ciphertext } = await kms.reEncrypt({ ciphertext: a.message })
    expect(await of(ciphertext)).toMatchObject({ needed: false, keyVersion: 2 })
  })

  test('is whether it is under another key than the one that is named', async () => {
    const { kms, a, b } = await world()
    await kms.keys.rotate({ key: 'b' })
    const expected = { needed: true, keyId: a.id, keyVersion: 1, currentVersion: 2 }
    expect(await kms.needsReEncrypt({ ciphertext: a.message, key: 'b' })).toEqual(expected)
    expect(await kms.key('b').needsReEncrypt(a.message)).toEqual(expected)
    expect(await kms.needsReEncrypt({ ciphertext: b.message, key: b.id })).toMatchObject({
      needed: true,
      keyVersion: 1,
    })
  })

  test('knows of a rotation in another process that was acknowledged before', async () => {
    const { kms, again, a } = await world()
    const other = await again()
    expect(await other.needsReEncrypt({ ciphertext: a.message })).toMatchObject({ needed: false })
    await kms.keys.rotate({ key: 'a' })
    expect(await other.needsReEncrypt({ ciphertext: a.message })).toMatchObject({ needed: true, currentVersion: 2 })
    await kms.keys.rotate({ key: 'a' })
    const { items } = await other.needsReEncryptMany({ items: [{ ciphertext: a.message }] })
    expect(items).toMatchObject([{ ok: true, needed: true, currentVersion: 3 }])
  })

  test('P7 cannot be asked of what is no message, of no key, or of no version', async () => {
    const { kms, a } = await world()
    const unknown = Buffer.from(a.message)
    unknown[5]! ^= 1
    const future = Buffer.from(a.message)
    future.writeUInt32BE(2, 20)
    for (const ciphertext of ['AAAA', 'not base64url!', '', unknown, future, a.message.subarray(0, 90)]) {
      await expectCode(kms.needsReEncrypt({ ciphertext }), 'INVALID_CIPHERTEXT')
    }
    await expectCode(kms.needsReEncrypt({ ciphertext: a.message, key: 'none' }), 'KEY_NOT_FOUND')
    await kms.grants.create({ principal: 'app', key: 'a', operations: ['encrypt', 'decrypt'] })
    await expectCode(kms.as('app').needsReEncrypt({ ciphertext: a.message }), 'ACCESS_DENIED')
    await expectCode(kms.as('app').needsReEncrypt({ ciphertext: unknown }), 'ACCESS_DENIED')
  })

  test('is one record for each key when many are asked about', async () => {
    const made = await world()
    const { kms, a } = made
    const items = [{ ciphertext: a.message, reference: 'r' }, { ciphertext: a.dataKey }, { ciphertext: a.message }]
    const record = await recordOf(made, () => kms.needsReEncryptMany({ items }))
    expect(record).toMatchObject({
      action: 'describeKey',
      keyId: a.id,
      counts: { ok: 3, failed: 0 },
      details: { needed: 0 },
    })
    const [first] = (await kms.needsReEncryptMany({ items })).items
    expect(first).toEqual({ ok: true, reference: 'r', needed: false, keyId: a.id, keyVersion: 1, currentVersion: 1 })
  })
})
