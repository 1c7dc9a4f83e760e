import { describe, expect, test } from 'vitest'
import { createKms, localRootKey } from '../../src/index.ts'
import { actor, expectCode, makeGate, makeWorld, rootKeyText, turns } from '../support/kms.ts'

// What the source systems promise, and what of theirs must not be copied, where no other file says it.

describe('a key vault', () => {
  test('S3-01 assumes that its database is in the hands of others: without the root key it opens nothing', async () => {
    const { kms, db, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.encrypt({ key: 'k', plaintext: 'x' })
    const before = await db.everything()
    const other = localRootKey(rootKeyText.replaceAll('0', 'f'))
    await expectCode(createKms({ storage: db.connect(), rootKey: other, clock, timers: clock }), 'ROOT_KEY_MISMATCH')
    expect(await db.everything()).toEqual(before)
  })

  test('S3-01 lets nobody do anything that is not on record', async () => {
    const gate = makeGate()
    const { kms, db } = await makeWorld({}, gate.hook)
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    gate.shut()
    let released = false
    const use = kms.encrypt({ key: 'k', plaintext: 'x' }, { requestId: 'r' }).then(() => {
      released = true
    })
    await turns()
    expect(released).toBe(false)
    gate.open()
    await use
    expect((await db.records()).at(-1)).toMatchObject({ action: 'encrypt', requestId: 'r' })
  })

  test.each(['derived', 'wrapped'] as const)(
    'S3-02 seals every message under a key of its own: %s',
    async (envelope) => {
      const { kms } = await makeWorld()
      const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256' })
      const same = Array.from({ length: 20 }, async () => kms.encrypt({ key: 'k', plaintext: 'same', envelope }))
      const messages = (await Promise.all(same)).map(({ ciphertext }) => ciphertext)
      const header = Buffer.from(`434d310${envelope === 'derived' ? 1 : 2}${id!.replaceAll('-', '')}00000001`, 'hex')
      expect(messages.every((message) => message.subarray(0, 24).equals(header))).toBe(true)
      const bodies = messages.map((message) => message.subarray(-20).toString('hex'))
      const salts = messages.map((message) => message.subarray(24, 48).toString('hex'))
      expect([new Set(salts).size, new Set(bodies).size]).toEqual([20, 20])
    },
  )

  test('S3-03 has a hierarchy: a root key wraps one key per tenant, that one all material, and material no message', async () => {
    const { kms, db } = await makeWorld()
    for (const name of ['a', 'b', 'c']) await kms.keys.create({ name, spec: 'AES_256' })
    await kms.keys.rotate({ key: 'a' })
    const rows = async (table: string): Promise<number> => (await db.rows(table)).length
    expect([await rows('keyring'), await rows('keys'), await rows('versions')]).toEqual([1, 3, 4])
    const before = (await db.everything()).length
    for (let round = 0; round < 5; round++) await kms.encrypt({ key: 'a', plaintext: 'x' })
    const after = (await db.everything()).length
    expect([await rows('keyring'), await rows('keys'), await rows('versions')]).toEqual([1, 3, 4])
    expect(after - before).toBeLessThanOrEqual(3 * 5)
  })

  test('S3-08 keeps of a key what it is, and of a version its wrapped material and state', async () => {
    const { kms, db } = await makeWorld()
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256' })
    expect(await db.rows('keys')).toMatchObject([{ id, name: 'k', spec: 'AES_256', usage: 'ENCRYPT_DECRYPT' }])
    const [version] = await db.rows('versions')
    expect(version).toMatchObject({ keyId: id, version: 1, state: 'current', epoch: 1 })
    const material = Buffer.from(version!['material'] as Uint8Array)
    expect(material.subarray(0, 3).toString()).toBe('CW1')
    expect(material).toHaveLength(24 + 24 + 32 + 32 + 16)
  })

  test('S3-10 creates, encrypts and rotates, and shows its log to ADMIN and AUDITOR alone', async () => {
    const { kms } = await makeWorld()
    const { id } = await kms.keys.create({ spec: 'AES_256', usage: 'ENCRYPT_DECRYPT' })
    const sealed = await kms.encrypt({ key: id!, plaintext: 'x' })
    expect(sealed).toMatchObject({ keyId: id, keyVersion: 1 })
    expect((await kms.keys.rotate({ key: id! })).currentVersion).toBe(2)
    expect((await kms.decrypt({ ciphertext: sealed.ciphertext.toString('base64url') })).keyVersion).toBe(1)
    for (const role of ['admin', 'auditor'] as const) {
      expect((await actor(kms, 'reader', role).audit.list({ keyId: id })).items.length).toBeGreaterThan(2)
    }
    await expectCode(actor(kms, 'reader').audit.list({ keyId: id }), 'ACCESS_DENIED')
  })

  test('S3-11 takes a root key of 32 bytes in base64, and the same one in other forms', async () => {
    const { kms, again } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    const bytes = Buffer.from(rootKeyText, 'hex')
    for (const form of [bytes.toString('base64'), bytes.toString('base64url'), rootKeyText, new Uint8Array(bytes)]) {
      const later = await again({ rootKey: localRootKey(form) })
      expect((await later.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
    }
    for (const form of [
      '',
      'my secret passphrase',
      bytes.toString('base64').slice(4),
      Buffer.alloc(32),
      Buffer.alloc(31, 1),
    ]) {
      expect(() => localRootKey(form)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
    }
  })
})
