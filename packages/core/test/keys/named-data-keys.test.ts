import { describe, expect, test } from 'vitest'
import type { DataKeyDescription } from '../../src/index.ts'
import { actor, day, expectCode, makeWorld, outcomeOf, recordOf } from '../support/kms.ts'

const reference = 'orders/2026'
const context = { table: 'orders' }

async function world() {
  const made = await makeWorld()
  const { id } = await made.kms.keys.create({ name: 'k', spec: 'AES_256' })
  return { ...made, keyId: id! }
}

describe('a named data key', () => {
  test('S2-02 is made, stored under a key, and retrieved in clear by its reference', async () => {
    const { kms, keyId } = await world()
    const made = await kms.dataKeys.generate({ reference, key: 'k', context })
    expect(made).toMatchObject({ keyId, spec: 'AES_256', numberOfBytes: 32, currentVersion: 1, createdBy: 'owner' })
    expect(Object.keys(made)).not.toContain('plaintext')
    const got = await kms.dataKeys.get({ reference, context })
    expect(got).toMatchObject({ id: made.id, version: 1, state: 'inUse', currentVersion: 1, keyId, keyVersion: 1 })
    expect(got.plaintext).toHaveLength(32)
    expect((await kms.dataKeys.get({ reference, context })).plaintext).toEqual(got.plaintext)
  })

  test.each([
    [{ spec: 'AES_256' }, 'AES_256', 32],
    [{ spec: 'AES_128' }, 'AES_128', 16],
    [{ numberOfBytes: 1 }, undefined, 1],
    [{ numberOfBytes: 1024 }, undefined, 1024],
  ] as const)('S2-02 of %j has the length that was asked for, in every version', async (plan, spec, numberOfBytes) => {
    const { kms } = await world()
    expect(await kms.dataKeys.generate({ reference, key: 'k', ...plan })).toMatchObject({ spec, numberOfBytes })
    expect(await kms.dataKeys.rotate({ reference })).toMatchObject({ spec, numberOfBytes, currentVersion: 2 })
    for (const version of [1, 2]) {
      expect((await kms.dataKeys.get({ reference, version })).plaintext).toHaveLength(numberOfBytes)
    }
  })

  test('S2-08 has one version in use; the deprecated ones are got by their numbers, and say so', async () => {
    const { kms, clock } = await world()
    await kms.dataKeys.generate({ reference, key: 'k' })
    const first = await kms.dataKeys.get({ reference })
    clock.advance(day)
    const rotated = await kms.dataKeys.rotate({ reference })
    expect(rotated).toMatchObject({ currentVersion: 2, rotatedAt: new Date(clock.now()) })
    const second = await kms.dataKeys.get({ reference })
    expect(second).toMatchObject({ version: 2, state: 'inUse', currentVersion: 2 })
    expect(second.plaintext).not.toEqual(first.plaintext)
    const old = await kms.dataKeys.get({ reference, version: 1 })
    expect(old).toMatchObject({ version: 1, state: 'deprecated', currentVersion: 2 })
    expect(old.plaintext).toEqual(first.plaintext)
  })

  test('S2-12 has a reference that is unique, and versions that are counted', async () => {
    const { kms } = await world()
    await kms.dataKeys.generate({ reference, key: 'k' })
    await kms.keys.create({ name: 'other', spec: 'AES_256' })
    await expectCode(kms.dataKeys.generate({ reference, key: 'k' }), 'NAME_TAKEN')
    await expectCode(kms.dataKeys.generate({ reference, key: 'other' }), 'NAME_TAKEN')
    const races = await Promise.all(
      Array.from({ length: 5 }, async () => outcomeOf(kms.dataKeys.rotate({ reference }))),
    )
    expect(races).toEqual(races.map(() => 'ok'))
    const keys = await Promise.all([1, 2, 3, 4, 5, 6].map(async (version) => kms.dataKeys.get({ reference, version })))
    expect(new Set(keys.map(({ plaintext }) => plaintext.toString('hex'))).size).toBe(6)
    expect(keys.map(({ state }) => state)).toEqual([...Array.from({ length: 5 }, () => 'deprecated'), 'inUse'])
    await expectCode(kms.dataKeys.get({ reference, version: 7 }), 'KEY_NOT_FOUND')
    const globex = await kms.tenants.ensure('globex')
    await globex.keys.create({ name: 'k', spec: 'AES_256' })
    const elsewhere = await globex.dataKeys.generate({ reference, key: 'k' })
    expect(elsewhere.id).not.toBe(keys[0]?.id)
  })

  test('S2-03 is found by a keyed hash: its name is nowhere in the database, the log or a list', async () => {
    const { kms, db, again } = await world()
    const made = await kms.dataKeys.generate({ reference, key: 'k', context: { table: 'context-in-clear' } })
    expect(made.id).toMatch(/^[\w-]{43}$/)
    await kms.dataKeys.rotate({ reference, context: { table: 'context-in-clear' } })
    await (await again()).dataKeys.get({ reference, context: { table: 'context-in-clear' } })
    await expectCode(kms.dataKeys.get({ reference: 'a-name-that-is-none' }), 'KEY_NOT_FOUND')
    const { items } = await kms.dataKeys.list()
    expect(items.map(({ id }) => id)).toEqual([made.id])
    const everything = [...(await db.everything()), ...items, await kms.audit.list({ limit: 100 })]
    const text = everything.map((row) => JSON.stringify(row, (_, value: unknown) => shown(value))).join('\n')
    for (const name of [reference, 'a-name-that-is-none', 'context-in-clear']) {
      expect(text).not.toContain(name)
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        expect(text).not.toContain(Buffer.from(name).toString(encoding).replace(/=+$/, ''))
      }
    }
    expect(text).toContain(made.id)
  })

  test('S2-03 is found in every process, and by no other house under the same id', async () => {
    const [one, two] = [await world(), await world()]
    const made = await one.kms.dataKeys.generate({ reference, key: 'k' })
    expect((await (await one.again()).dataKeys.get({ reference })).id).toBe(made.id)
    const house = await makeWorld({ random: undefined })
    await house.kms.keys.create({ name: 'k', spec: 'AES_256' })
    expect((await house.kms.dataKeys.generate({ reference, key: 'k' })).id).not.toBe(made.id)
    await expectCode(two.kms.dataKeys.get({ reference }), 'KEY_NOT_FOUND')
  })

  test('needs the encryption context that it was made with, to be got and to be rotated', async () => {
    const { kms, db } = await world()
    await kms.dataKeys.generate({ reference, key: 'k', context })
    for (const wrong of [undefined, {}, { table: 'Orders' }, { ...context, more: '' }]) {
      await expectCode(kms.dataKeys.get({ reference, context: wrong }), 'INVALID_CIPHERTEXT')
      await expectCode(kms.dataKeys.rotate({ reference, context: wrong }), 'INVALID_CIPHERTEXT')
    }
    expect((await db.records()).at(-1)?.reason).toBe('another encryption context')
    expect(await kms.dataKeys.rotate({ reference, context })).toMatchObject({ currentVersion: 2 })
    for (const version of [1, 2]) expect(await outcomeOf(kms.dataKeys.get({ reference, context, version }))).toBe('ok')
  })

  test('A3 is opened by its own verb alone, whoever reads it in the database', async () => {
    const { kms, db } = await world()
    await kms.dataKeys.generate({ reference, key: 'k' })
    const [row] = await db.rows('data_key_versions')
    const ciphertext = Buffer.from(row!['sealed'] as Uint8Array)
    expect(ciphertext[3]).toBe(0x82)
    await expectCode(kms.decryptDataKey({ ciphertext }), 'INVALID_CIPHERTEXT')
    await expectCode(kms.decrypt({ ciphertext }), 'INVALID_CIPHERTEXT')
    await expectCode(kms.reEncrypt({ ciphertext }), 'INVALID_CIPHERTEXT')
    const pair = { 'kms:dataKey': `${String(row!['id'])}:1` }
    await expectCode(kms.decryptDataKey({ ciphertext, context: pair }), 'INVALID_REQUEST')
  })

  test('is sealed anew under the current version of its key when it is rotated; older ones keep opening', async () => {
    const { kms } = await world()
    await kms.dataKeys.generate({ reference, key: 'k' })
    await kms.keys.rotate({ key: 'k' })
    expect(await kms.dataKeys.get({ reference })).toMatchObject({ version: 1, keyVersion: 1 })
    await kms.dataKeys.rotate({ reference })
    expect(await kms.dataKeys.get({ reference })).toMatchObject({ version: 2, keyVersion: 2 })
    await kms.keys.update({ key: 'k', minDecryptVersion: 2 })
    await expectCode(kms.dataKeys.get({ reference, version: 1 }), 'INVALID_KEY_STATE')
  })

  test('is recorded by each verb with its id, version and key, and a denial too', async () => {
    const made = await world()
    const { kms, keyId } = made
    const of = { keyId, keyVersion: 1, status: 'SUCCESS' }
    const generated = await recordOf(made, async () => kms.dataKeys.generate({ reference, key: 'k', context }))
    const dataKey = (generated.details as { dataKey: string }).dataKey
    expect(generated).toMatchObject({ ...of, action: 'createDataKey', context: [expect.any(String)] })
    expect(generated.change?.rows).toEqual([
      { table: 'data_keys', key: [dataKey], rev: 1 },
      { table: 'data_key_versions', key: [dataKey, 1], rev: 1 },
    ])
    const rotated = await recordOf(made, async () => kms.dataKeys.rotate({ reference, context }))
    expect(rotated).toMatchObject({ ...of, action: 'rotateDataKey', details: { dataKey, version: 2 } })
    const got = await recordOf(made, async () => kms.dataKeys.get({ reference, context, version: 1 }))
    expect(got).toMatchObject({ ...of, action: 'getDataKey', details: { dataKey, version: 1 } })
    expect(got.context).toEqual(generated.context)
    const listed = await recordOf(made, async () => kms.dataKeys.list())
    expect(listed).toMatchObject({ action: 'listDataKeys', status: 'SUCCESS' })
    const denied = await recordOf(made, async () => kms.as('nobody').dataKeys.get({ reference, context }))
    expect(denied).toMatchObject({ action: 'getDataKey', status: 'DENIED', keyId, details: { dataKey } })
  })

  test.each([
    { reference: '' },
    { reference: 'a b' },
    { reference: 'x'.repeat(257) },
    { reference: '00000000-0000-4000-8000-000000000000' },
    { reference: 1 },
    { numberOfBytes: 0 },
    { numberOfBytes: 1025 },
    { spec: 'RSA_2048' },
    { spec: 'AES_256', numberOfBytes: 32 },
    { plaintext: 'mine' },
  ])('is not made of %j', async (plan) => {
    const { kms } = await world()
    await expectCode(kms.dataKeys.generate({ reference, key: 'k', ...plan } as never), 'INVALID_REQUEST')
    expect((await kms.dataKeys.list()).items).toEqual([])
  })
})

describe('a list of named data keys', () => {
  test('P8 is paged, and each page begins where the one before ended', async () => {
    const { kms } = await world()
    await kms.keys.create({ name: 'other', spec: 'AES_256' })
    const ids: string[] = []
    for (let n = 0; n < 7; n++) ids.push((await kms.dataKeys.generate({ reference: `r${n}`, key: 'k' })).id)
    const { id: elsewhere } = await kms.dataKeys.generate({ reference: 'elsewhere', key: 'other' })
    const pages: (readonly DataKeyDescription[])[] = []
    let cursor: string | undefined
    do {
      const page = await kms.dataKeys.list({ key: 'k', limit: 3, cursor })
      pages.push(page.items)
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(pages.map(({ length }) => length)).toEqual([3, 3, 1])
    expect(pages.flat().map(({ id }) => id)).toEqual(ids.toSorted())
    const all: string[] = []
    for await (const { id } of kms.dataKeys.list({ limit: 2 })) all.push(id)
    expect(all).toEqual([...ids, elsewhere].toSorted())
    await expectCode(kms.dataKeys.list({ cursor: 'AAAA' }), 'INVALID_REQUEST')
    await expectCode(kms.dataKeys.list({ limit: 501 }), 'INVALID_REQUEST')
  })

  test('P4 shows no bytes, to an admin, to an auditor, or to a service on its key', async () => {
    const { kms } = await world()
    await kms.dataKeys.generate({ reference, key: 'k' })
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['listDataKeys'] })
    for (const client of [kms, actor(kms, 'eve', 'auditor'), kms.as('app')]) {
      const { items } = await client.dataKeys.list({ key: 'k' })
      expect(items).toHaveLength(1)
      expect(Object.values(items[0]!).some((value) => value instanceof Uint8Array)).toBe(false)
    }
    await expectCode(kms.as('app').dataKeys.list(), 'ACCESS_DENIED')
  })
})

/** Bytes as the texts that they could hold. */
function shown(value: unknown): unknown {
  const bytes = value as { type?: unknown; data?: number[] } | null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  return bytes?.type === 'Buffer' && Array.isArray(bytes.data) ? Buffer.from(bytes.data).toString('latin1') : value
}
