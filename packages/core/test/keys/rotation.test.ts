import { describe, expect, test } from 'vitest'
import { StorageFailure } from '../../src/storage.ts'
import { expectCode, makeGate, makeWorld, outcomeOf, recordsOf, settle } from '../support/kms.ts'
import { makeSubject } from '../support/state-world.ts'

describe('rotating a key', () => {
  test('S0-21 makes a new current version, retires the one before, and old messages keep opening', async () => {
    const { kms } = await makeWorld()
    const { key, messages } = await makeSubject(kms, 'k')
    expect(await kms.keys.rotate({ key })).toMatchObject({ currentVersion: 3, state: 'Enabled' })
    const { items } = await kms.keys.listVersions({ key })
    expect(items.map(({ version, state }) => [version, state])).toEqual([
      [1, 'retired'],
      [2, 'retired'],
      [3, 'current'],
    ])
    const opened = await Promise.all(messages.map(async (ciphertext) => kms.decrypt({ ciphertext })))
    expect(opened.map(({ plaintext, keyVersion }) => [plaintext.toString(), keyVersion])).toEqual([
      ['first', 1],
      ['second', 2],
    ])
  })

  test('S3-04 has one current version at any time: what is protected names it, old ones only process', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const made = [await kms.encrypt({ key: 'k', plaintext: '1' })]
    for (const plaintext of ['2', '3', '4']) {
      await kms.keys.rotate({ key: 'k' })
      made.push(await kms.encrypt({ key: 'k', plaintext }))
    }
    expect(made.map(({ keyVersion }) => keyVersion)).toEqual([1, 2, 3, 4])
    const opened = await Promise.all(made.map(async ({ ciphertext }) => kms.decrypt({ ciphertext })))
    expect(opened.map(({ plaintext }) => plaintext.toString())).toEqual(['1', '2', '3', '4'])
  })

  test('S3-05 every version has material of its own', async () => {
    const { kms, db } = await makeWorld()
    const { key, messages } = await makeSubject(kms, 'k')
    const rewritten = Buffer.from(messages[0])
    rewritten.writeUInt32BE(2, 20)
    await expectCode(kms.decrypt({ ciphertext: rewritten }), 'INVALID_CIPHERTEXT')
    const material = (await db.rows('versions')).map((row) =>
      Buffer.from(row['material'] as Uint8Array).toString('hex'),
    )
    expect(new Set(material).size).toBe(2)
    expect((await kms.keys.get({ key })).currentVersion).toBe(2)
  })

  test('S0-29 nobody has to name a version to open an old message', async () => {
    const { kms } = await makeWorld()
    const handle = await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const { ciphertext, keyId, keyVersion } = await handle.encrypt('old')
    expect({ keyId, keyVersion }).toEqual({ keyId: handle.id, keyVersion: 1 })
    await handle.rotate()
    await handle.rotate()
    expect(await handle.decrypt(ciphertext)).toEqual({ plaintext: Buffer.from('old'), keyId, keyVersion: 1 })
  })

  test('C45 by two processes at once makes two versions, one after the other', async () => {
    const world = await makeWorld()
    const other = await world.again()
    await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
    const all = [world.kms, other, world.kms, other].map(async (kms) => kms.keys.rotate({ key: 'k' }))
    const versions = (await Promise.all(all)).map(({ currentVersion }) => currentVersion)
    expect(versions.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5])
    const { items } = await other.keys.listVersions({ key: 'k' })
    expect(items.map(({ state }) => state)).toEqual(['retired', 'retired', 'retired', 'retired', 'current'])
  })

  test('C45 against disabling it: both orders are histories, and the state is that of the records', async () => {
    const { kms, db } = await makeWorld()
    await kms.keys.create({ name: 'a', spec: 'AES_256' })
    await kms.keys.create({ name: 'b', spec: 'AES_256' })
    const work = [
      kms.keys.rotate({ key: 'a' }),
      kms.keys.disable({ key: 'a' }),
      kms.keys.disable({ key: 'b' }),
      kms.keys.rotate({ key: 'b' }),
    ]
    expect(await Promise.all(work.map(outcomeOf))).toEqual(['ok', 'ok', 'ok', 'INVALID_KEY_STATE'])
    expect(await kms.keys.get({ key: 'a' })).toMatchObject({ state: 'Disabled', currentVersion: 2 })
    expect(await kms.keys.get({ key: 'b' })).toMatchObject({ state: 'Disabled', currentVersion: 1 })
    const changes = (await db.records()).filter(({ action }) => ['rotateKey', 'disableKey'].includes(action))
    expect(changes.map(({ action, status }) => `${action} ${status}`)).toEqual([
      'rotateKey SUCCESS',
      'disableKey SUCCESS',
      'disableKey SUCCESS',
      'rotateKey FAILURE',
    ])
  })

  test('C46 shows to nobody who is at work: what was sealed before is sealed again with the new version', async () => {
    const gate = makeGate()
    const world = await makeWorld({}, gate.hook)
    const { kms } = world
    const other = await world.again()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const old = await kms.encrypt({ key: 'k', plaintext: 'old' })
    gate.shut()
    const [sealing, opening] = [
      kms.encrypt({ key: 'k', plaintext: 'new' }),
      kms.decrypt({ ciphertext: old.ciphertext }),
    ]
    await other.keys.rotate({ key: 'k' })
    gate.open()
    const sealed = await sealing
    expect(sealed.keyVersion).toBe(2)
    expect(sealed.ciphertext.readUInt32BE(20)).toBe(2)
    expect((await opening).keyVersion).toBe(1)
    expect((await kms.decrypt({ ciphertext: sealed.ciphertext })).plaintext.toString()).toBe('new')
    const records = (await world.db.records()).filter(({ action }) => action === 'encrypt')
    expect(records.map(({ keyVersion }) => keyVersion)).toEqual([1, 2])
  })

  test.each(['none', 'unknown'] as const)(
    'C47 uses no number twice after a commit failed, outcome %s',
    async (outcome) => {
      let failures = 0
      const world = await makeWorld({}, (verb) => {
        if (verb === 'transact' && failures-- > 0) throw new StorageFailure('gone', { transient: false, outcome })
      })
      const { kms, db } = world
      const { key } = await makeSubject(kms, 'k')
      failures = 3
      await expectCode(kms.keys.rotate({ key }), 'AUDIT_UNAVAILABLE')
      failures = 0
      expect((await kms.keys.rotate({ key })).currentVersion).toBe(3)
      expect((await db.rows('versions')).map((row) => row['version'])).toEqual([1, 2, 3])
      const { ciphertext } = await kms.encrypt({ key, plaintext: 'x' })
      expect((await kms.decrypt({ ciphertext })).keyVersion).toBe(3)
      expect(await kms.audit.verify()).toMatchObject({ ok: true })
    },
  )

  test('C47 goes to the last number that a ciphertext can name, and then no further', async () => {
    const { kms, db, again } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const [version] = await db.rows('versions')
    const last = 0xffff_ffff
    await db.add('versions', { ...version, version: last })
    await db.plant('keys', () => true, { currentVersion: last })
    const later = await again()
    const error = await expectCode(later.keys.rotate({ key: 'k' }), 'LIMIT_EXCEEDED')
    expect(error.message).toBe('the key has as many versions as a key can have')
    expect((await later.keys.get({ key: 'k' })).currentVersion).toBe(last)
    expect(await db.rows('versions')).toHaveLength(2)
  })

  test('S0-24 takes a key that is Enabled', async () => {
    const { kms } = await makeWorld()
    const { key } = await makeSubject(kms, 'k')
    await kms.keys.disable({ key })
    await expectCode(kms.keys.rotate({ key }), 'INVALID_KEY_STATE')
  })

  test('S3-12 takes no revoked key, of which nothing opens any more', async () => {
    const { kms } = await makeWorld()
    const { key, messages, dataKeys } = await makeSubject(kms, 'k')
    await kms.keys.revoke({ key, reason: 'leaked' })
    await expectCode(kms.keys.rotate({ key }), 'INVALID_KEY_STATE')
    await expectCode(kms.encrypt({ key, plaintext: 'x' }), 'INVALID_KEY_STATE')
    for (const ciphertext of messages) await expectCode(kms.decrypt({ ciphertext }), 'INVALID_KEY_STATE')
    for (const ciphertext of dataKeys) await expectCode(kms.decryptDataKey({ ciphertext }), 'INVALID_KEY_STATE')
  })

  test('S0-21 is one record with the rows that it touched', async () => {
    const world = await makeWorld()
    const { kms } = world
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'shop' })
    const [record, ...others] = await recordsOf(world, () => kms.keys.rotate({ key: 'k' }))
    expect(others).toEqual([])
    expect(record).toMatchObject({ action: 'rotateKey', status: 'SUCCESS', keyId: id, keyVersion: 2, owner: 'shop' })
    expect(record?.change?.rows).toEqual([
      { table: 'versions', key: [id, 1], rev: 2 },
      { table: 'versions', key: [id, 2], rev: 1 },
      { table: 'keys', key: [id], rev: 2 },
    ])
  })
})

test('C45 a revocation and a use in one batch: the use stands before it or is refused, never after it', async () => {
  const { kms, db } = await makeWorld()
  const { key } = await makeSubject(kms, 'k')
  const uses = Array.from({ length: 10 }, async () => kms.encrypt({ key, plaintext: 'x' }))
  const revoked = kms.keys.revoke({ key, reason: 'leaked' })
  const later = Array.from({ length: 10 }, async () => kms.encrypt({ key, plaintext: 'x' }))
  await Promise.all([...uses, revoked, ...later].map(settle))
  const records = await db.records()
  const revocation = records.find(({ action }) => action === 'revokeKey')!.seq
  const after = records.filter(
    ({ action, seq, status }) => action === 'encrypt' && status === 'SUCCESS' && seq > revocation,
  )
  expect(after).toEqual([])
  expect(records.filter(({ action }) => action === 'encrypt')).toHaveLength(22)
  await expectCode(kms.encrypt({ key, plaintext: 'x' }), 'INVALID_KEY_STATE')
})
