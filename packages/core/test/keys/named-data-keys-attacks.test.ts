import { describe, expect, test } from 'vitest'
import type { GrantOperation } from '../../src/index.ts'
import type { Row } from '../../src/storage.ts'
import { expectCode, makeGate, makeWorld, outcomeOf } from '../support/kms.ts'

const reference = 'orders'

async function world() {
  const gate = makeGate()
  const made = await makeWorld({}, gate.hook)
  const { kms } = made
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  await kms.keys.create({ name: 'other', spec: 'AES_256' })
  await kms.dataKeys.generate({ reference, key: 'k' })
  await kms.dataKeys.generate({ reference: 'secret', key: 'other' })
  return { ...made, gate }
}

describe('who may', () => {
  const verbs = {
    createDataKey: 'generate',
    getDataKey: 'get',
    rotateDataKey: 'rotate',
    listDataKeys: 'list',
  } as const satisfies Partial<Record<GrantOperation, string>>

  test.each(Object.keys(verbs) as (keyof typeof verbs)[])(
    'S2-05 D57 %s is a permission of its own, on one key: it gives that there, and nothing else or elsewhere',
    async (one) => {
      const { kms } = await world()
      await kms.grants.create({ principal: 'app', key: 'k', operations: [one] })
      const app = kms.as('app')
      const tried = async (name: string, key: string) => ({
        generate: await outcomeOf(app.dataKeys.generate({ reference: `new-in-${key}`, key })),
        get: await outcomeOf(app.dataKeys.get({ reference: name })),
        rotate: await outcomeOf(app.dataKeys.rotate({ reference: name })),
        list: await outcomeOf(app.dataKeys.list({ key })),
      })
      const nothing = {
        generate: 'ACCESS_DENIED',
        get: 'ACCESS_DENIED',
        rotate: 'ACCESS_DENIED',
        list: 'ACCESS_DENIED',
      }
      expect(await tried(reference, 'k')).toEqual({ ...nothing, [verbs[one]]: 'ok' })
      expect(await tried('secret', 'other')).toEqual(nothing)
    },
  )

  test('S2-02 whoever may decrypt, or open data keys of their own, may not get those that are kept', async () => {
    const { kms } = await world()
    const operations = ['encrypt', 'decrypt', 'generateDataKey', 'decryptDataKey', 'reEncryptFrom'] as const
    await kms.grants.create({ principal: 'app', key: '*', operations })
    await expectCode(kms.as('app').dataKeys.get({ reference }), 'ACCESS_DENIED')
    await expectCode(kms.as({ id: 'eve', role: 'auditor' }).dataKeys.get({ reference }), 'ACCESS_DENIED')
  })

  test('P7 a reference that does not exist looks like one that is not for them', async () => {
    const { kms } = await world()
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['getDataKey', 'rotateDataKey'] })
    const app = kms.as('app')
    const seen = async (work: PromiseLike<unknown>) => {
      const { message, code } = await expectCode(work, 'ACCESS_DENIED')
      return [message, code]
    }
    for (const verb of ['get', 'rotate'] as const) {
      const [of, none] = [app.dataKeys[verb]({ reference: 'secret' }), app.dataKeys[verb]({ reference: 'none' })]
      expect(await seen(of)).toEqual(await seen(none))
      await expectCode(kms.dataKeys[verb]({ reference: 'none' }), 'KEY_NOT_FOUND')
    }
    await expectCode(app.dataKeys.get({ reference: 'secret', version: 9 }), 'ACCESS_DENIED')
    await expectCode(app.dataKeys.get({ reference, version: 9 }), 'KEY_NOT_FOUND')
  })

  test('S0-37 a grant that is bound to a context gives the data keys of that context', async () => {
    const { kms } = await world()
    const context = { shop: '1' }
    await kms.dataKeys.generate({ reference: 'bound', key: 'k', context })
    const constraints = { contextSubset: context }
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['getDataKey'], constraints })
    expect(await outcomeOf(kms.as('app').dataKeys.get({ reference: 'bound', context }))).toBe('ok')
    await expectCode(kms.as('app').dataKeys.get({ reference }), 'ACCESS_DENIED')
    await expectCode(kms.as('app').dataKeys.get({ reference, context }), 'INVALID_CIPHERTEXT')
  })
})

describe('what another process did', () => {
  test('P3 a grant that was revoked there gives nothing any more, while it is being recorded or afterwards', async () => {
    const { kms, again, gate } = await world()
    const other = await again()
    const { id } = await other.grants.create({ principal: 'app', key: 'k', operations: ['getDataKey'] })
    const app = kms.as('app')
    expect(await outcomeOf(app.dataKeys.get({ reference }))).toBe('ok')
    gate.shut()
    const waiting = app.dataKeys.get({ reference })
    await other.grants.revoke({ grant: id })
    gate.open()
    await expectCode(waiting, 'ACCESS_DENIED')
    await expectCode(app.dataKeys.get({ reference }), 'ACCESS_DENIED')
  })

  test('P3 a key that was disabled or revoked there opens no data key, but an admin who says why gets it away', async () => {
    const { kms, again } = await world()
    const other = await again()
    await other.keys.disable({ key: 'k' })
    await expectCode(kms.dataKeys.get({ reference }), 'INVALID_KEY_STATE')
    await expectCode(kms.dataKeys.rotate({ reference }), 'INVALID_KEY_STATE')
    await other.keys.revoke({ key: 'k', reason: 'leaked' })
    await expectCode(kms.dataKeys.get({ reference }), 'INVALID_KEY_STATE')
    const rescued = await kms.dataKeys.get({ reference, allowRevoked: true, reason: 'moving' })
    expect(rescued.plaintext).toHaveLength(32)
    await expectCode(kms.dataKeys.get({ reference, allowRevoked: true }), 'ACCESS_DENIED')
  })

  test('P3 what was rotated there while it was being got is got in the version that is in use', async () => {
    const { kms, again, gate } = await world()
    const other = await again()
    await kms.dataKeys.get({ reference })
    gate.shut()
    const waiting = kms.dataKeys.get({ reference })
    await other.dataKeys.rotate({ reference })
    gate.open()
    expect(await waiting).toMatchObject({ version: 2, state: 'inUse', currentVersion: 2 })
  })

  test('P3 what was made there while it was looked for is found', async () => {
    const { kms, again, gate } = await world()
    const other = await again()
    await expectCode(kms.dataKeys.get({ reference: 'late' }), 'KEY_NOT_FOUND')
    gate.shut()
    const waiting = kms.dataKeys.get({ reference: 'late' })
    await other.dataKeys.generate({ reference: 'late', key: 'k' })
    gate.open()
    expect(await waiting).toMatchObject({ version: 1 })
  })
})

describe('P5 a row', () => {
  async function tampered(
    change: (rows: Row[]) => readonly [table: string, which: (row: Row) => boolean, columns: Row],
  ) {
    const { kms, db, again } = await world()
    await kms.dataKeys.rotate({ reference })
    const { id } = await kms.dataKeys.get({ reference })
    const rows = await db.rows('data_key_versions')
    const isOwn = (row: Row): boolean => row['id'] === id
    const [table, which, columns] = change([...rows.filter(isOwn), ...rows.filter((row) => !isOwn(row))])
    await db.plant(table, which, columns)
    return again()
  }

  test('whose bytes are those of another data key does not open', async () => {
    const kms = await tampered(([own, , foreign]) => [
      'data_key_versions',
      (row) => row['id'] === own!['id'] && row['version'] === 2,
      { sealed: foreign!['sealed']! },
    ])
    await expectCode(kms.dataKeys.get({ reference }), 'STORAGE_TAMPERED')
  })

  test('whose bytes are those of an older version does not open', async () => {
    const kms = await tampered(([own]) => [
      'data_key_versions',
      (row) => row['id'] === own!['id'] && row['version'] === 2,
      { sealed: own!['sealed']! },
    ])
    await expectCode(kms.dataKeys.get({ reference }), 'STORAGE_TAMPERED')
    expect(await outcomeOf(kms.dataKeys.get({ reference, version: 1 }))).toBe('ok')
  })

  test('whose bytes were changed, cut or emptied does not open', async () => {
    const flip = (bytes: Uint8Array): Buffer => {
      const copy = Buffer.from(bytes)
      copy[copy.length - 1]! ^= 1
      return copy
    }
    const cut = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, -1)
    for (const edit of [flip, cut, () => Buffer.alloc(0), () => Buffer.from('CM1')]) {
      const kms = await tampered(([own]) => [
        'data_key_versions',
        (row) => row['id'] === own!['id'],
        { sealed: edit(own!['sealed'] as Uint8Array) },
      ])
      await expectCode(kms.dataKeys.get({ reference }), 'STORAGE_TAMPERED')
    }
  })

  test('that names another key does not open', async () => {
    const { kms, db, again } = await world()
    const { id } = await kms.dataKeys.get({ reference })
    const other = await kms.keys.get({ key: 'other' })
    await db.plant('data_keys', (row) => row['id'] === id, { keyId: other.id! })
    await expectCode((await again()).dataKeys.get({ reference }), 'STORAGE_TAMPERED')
  })

  test.each([
    ['data_keys', { spec: 'DES' }],
    ['data_keys', { currentVersion: 0 }],
    ['data_keys', { currentVersion: 7 }],
    ['data_key_versions', { state: 'destroyed' }],
  ] as const)('of %s with %j was never written, and is noticed', async (table, columns) => {
    const kms = await tampered(([own]) => [table, (row) => row['id'] === own!['id'], columns])
    await expectCode(kms.dataKeys.get({ reference }), 'STORAGE_TAMPERED')
  })
})
