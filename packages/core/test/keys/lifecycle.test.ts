import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyHandle, type CreateKeyRequest } from '../../src/index.ts'
import { day, expectCode, makeWorld, outcomeOf, recordOf } from '../support/kms.ts'
import { makeSubject } from '../support/state-world.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('creating a key', () => {
  test('S0-20 gives a handle with its identity, and a key with one current version', async () => {
    const { kms, clock } = await makeWorld()
    const settings = { description: 'for orders', tags: { team: 'blue' }, owner: 'shop', gracePeriodDays: 3 }
    const handle = await kms.keys.create({ name: 'orders', spec: 'AES_256', usage: 'ENCRYPT_DECRYPT', ...settings })
    expect(handle).toBeInstanceOf(KeyHandle)
    expect(Object.assign({}, handle)).toEqual({
      id: handle.id,
      name: 'orders',
      spec: 'AES_256',
      usage: 'ENCRYPT_DECRYPT',
    })
    expect(handle.id).toMatch(uuid)
    const now = new Date(clock.now())
    expect(await handle.describe()).toEqual({
      id: handle.id,
      name: 'orders',
      spec: 'AES_256',
      usage: 'ENCRYPT_DECRYPT',
      origin: 'CHATELAINE',
      exportable: false,
      state: 'Enabled',
      currentVersion: 1,
      minDecryptVersion: 1,
      ...settings,
      deletionProtection: false,
      createdAt: now,
      createdBy: 'owner',
      stateChangedAt: now,
      stateChangedBy: 'owner',
      stateReason: undefined,
      materialExpiresAt: undefined,
      deletionDueAt: undefined,
    })
    const { items } = await kms.keys.listVersions({ key: 'orders' })
    expect(items).toEqual([
      {
        keyId: handle.id,
        version: 1,
        state: 'current',
        graceEndsAt: undefined,
        createdAt: now,
        stateChangedAt: now,
        stateChangedBy: 'owner',
        stateReason: undefined,
      },
    ])
  })

  test('S0-20 needs no name, and two keys without one are two keys', async () => {
    const { kms } = await makeWorld()
    const [a, b] = [await kms.keys.create({ spec: 'AES_256' }), await kms.keys.create({ spec: 'AES_256' })]
    expect(a.id).not.toBe(b.id)
    expect((await a.describe()).name).toBeUndefined()
    const { ciphertext } = await a.encrypt('x')
    await expectCode(b.decrypt(ciphertext), 'INVALID_CIPHERTEXT')
  })

  test.each([
    ['another spec', { spec: 'RSA_2048' }],
    ['no spec', {}],
    ['another usage', { spec: 'AES_256', usage: 'SIGN_VERIFY' }],
    ['a field that does not exist', { spec: 'AES_256', material: Buffer.alloc(32) }],
    ['a state', { spec: 'AES_256', state: 'Enabled' }],
    ['an id', { spec: 'AES_256', id: '00000000-0000-4000-8000-000000000000' }],
    ['exportable that is no boolean', { spec: 'AES_256', exportable: 1 }],
    ['an empty description', { spec: 'AES_256', description: '' }],
    ['a long description', { spec: 'AES_256', description: 'x'.repeat(1025) }],
    ['a NUL', { spec: 'AES_256', description: 'a\0b' }],
    ['a lone surrogate', { spec: 'AES_256', description: '\ud800' }],
    ['a long owner', { spec: 'AES_256', owner: 'x'.repeat(257) }],
    ['tags that are no record', { spec: 'AES_256', tags: ['a'] }],
    ['51 tags', { spec: 'AES_256', tags: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`t${at}`, ''])) }],
    ['a long tag', { spec: 'AES_256', tags: { ['x'.repeat(129)]: '' } }],
    ['a long value of a tag', { spec: 'AES_256', tags: { a: 'x'.repeat(257) } }],
    ['an ill-formed value of a tag', { spec: 'AES_256', tags: { a: '\udfff' } }],
  ])('S0-20 is refused with %s, and leaves nothing', async (_, request) => {
    const { kms, db } = await makeWorld()
    await expectCode(kms.keys.create(request as unknown as CreateKeyRequest), 'INVALID_REQUEST')
    expect(await db.rows('keys')).toEqual([])
  })

  test('S0-20 takes the largest of everything', async () => {
    const { kms } = await makeWorld()
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`t${at}`.padEnd(128, 'x'), 'v'.repeat(256)]))
    const settings = { description: 'x'.repeat(1024), owner: 'x'.repeat(256), gracePeriodDays: 36_500, tags }
    const key = await kms.keys.create({ name: 'n'.repeat(256), spec: 'AES_256', ...settings })
    expect(await key.describe()).toMatchObject(settings)
  })
})

describe('ensuring a key', () => {
  test('S0-20 makes it once, and finds it from then on', async () => {
    const world = await makeWorld()
    const { kms } = world
    const first = await kms.keys.ensure({ name: 'k', spec: 'AES_256', description: 'first' })
    const record = await recordOf(world, () => kms.keys.ensure({ name: 'k', spec: 'AES_256', description: 'second' }))
    expect(record).toMatchObject({
      action: 'createKey',
      status: 'SUCCESS',
      keyId: first.id,
      details: { existed: true },
    })
    expect(record.change).toBeUndefined()
    const again = await kms.keys.ensure({ name: 'k', spec: 'AES_256', usage: 'ENCRYPT_DECRYPT' })
    expect(again.id).toBe(first.id)
    expect((await again.describe()).description).toBe('first')
  })

  test('S0-20 by many at once makes one', async () => {
    const world = await makeWorld()
    const other = await world.again()
    const all = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? world.kms : other))
    const handles = await Promise.all(all.map(async (kms) => kms.keys.ensure({ name: 'k', spec: 'AES_256' })))
    expect(new Set(handles.map(({ id }) => id)).size).toBe(1)
    expect(await world.db.rows('keys')).toHaveLength(1)
  })

  test.each([{ spec: 'AES_512' }, { usage: 'SIGN_VERIFY' }, { state: 'Active' }])(
    'C43 a stored key of %o is none that anybody made: it is neither found nor used',
    async (columns) => {
      const { kms, db, again } = await makeWorld()
      await kms.keys.create({ name: 'k', spec: 'AES_256' })
      await db.plant('keys', () => true, columns)
      const later = await again()
      await expectCode(later.keys.ensure({ name: 'k', spec: 'AES_256' }), 'STORAGE_TAMPERED')
      await expectCode(later.encrypt({ key: 'k', plaintext: 'x' }), 'STORAGE_TAMPERED')
      await expectCode(later.keys.get({ key: 'k' }), 'STORAGE_TAMPERED')
    },
  )

  test('S0-20 needs a name', async () => {
    const { kms } = await makeWorld()
    await expectCode(kms.keys.ensure({ spec: 'AES_256' } as never), 'INVALID_REQUEST')
  })
})

describe('updating a key', () => {
  test('changes what is given and nothing else', async () => {
    const { kms } = await makeWorld()
    const key = await kms.keys.create({ name: 'k', spec: 'AES_256', description: 'a', tags: { a: '1' }, owner: 'o' })
    const before = await key.describe()
    const changes = { description: 'b', tags: { b: '2' }, owner: 'p', gracePeriodDays: 2 }
    for (const [name, value] of Object.entries(changes)) {
      const updated = await kms.keys.update({ key: 'k', [name]: value })
      expect(updated).toEqual(await key.describe())
    }
    expect(await key.describe()).toEqual({ ...before, ...changes })
  })

  test.each([0, -1, 1.5, 2 ** 32, '1', NaN])('takes no minDecryptVersion of %s', async (value) => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const request = { key: 'k', minDecryptVersion: value as number }
    await expectCode(kms.keys.update(request), 'INVALID_REQUEST')
  })

  test('moves minDecryptVersion up to the current version, below which nothing is processed', async () => {
    const { kms } = await makeWorld()
    const { key, messages } = await makeSubject(kms, 'k')
    const [first, second] = messages
    await expectCode(kms.keys.update({ key, minDecryptVersion: 3 }), 'INVALID_KEY_STATE')
    expect(await kms.keys.update({ key, minDecryptVersion: 2 })).toMatchObject({ minDecryptVersion: 2 })
    await expectCode(kms.decrypt({ ciphertext: first }), 'INVALID_KEY_STATE')
    await expectCode(kms.reEncrypt({ ciphertext: first }), 'INVALID_KEY_STATE')
    expect((await kms.decrypt({ ciphertext: second })).keyVersion).toBe(2)
    await kms.keys.update({ key, minDecryptVersion: 1 })
    expect((await kms.decrypt({ ciphertext: first })).keyVersion).toBe(1)
  })
})

test('a transition says when it was made, by whom and why', async () => {
  const { kms, clock } = await makeWorld()
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  clock.advance(day)
  const admin = kms.as({ id: 'anna', role: 'admin' })
  const disabled = await admin.keys.disable({ key: 'k', reason: 'holiday' })
  const mark = { stateChangedAt: new Date(clock.now()), stateChangedBy: 'anna' }
  expect(disabled).toMatchObject({ ...mark, stateReason: 'holiday' })
  expect(await admin.keys.enable({ key: 'k' })).toMatchObject({ ...mark, stateReason: undefined })
  await admin.keys.disable({ key: 'k', version: 1, reason: 'odd' })
  const [version] = (await kms.keys.listVersions({ key: 'k' })).items
  expect(version).toMatchObject({ state: 'disabled', ...mark, stateReason: 'odd' })
  expect(await kms.keys.get({ key: 'k' })).toMatchObject({ state: 'Disabled', ...mark, stateReason: 'odd' })
})

test('S0-25 whatever a caller puts into its context, key and version stay what the header says', async () => {
  const { kms } = await makeWorld()
  const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const names = fc.constantFrom('keyId', 'version', 'keyVersion', 'type', 'tenant', 'a')
  const texts = fc.string({ unit: fc.constantFrom('k', '1', '"', ',', ':', '}', 'ü', '\u{1f511}'), maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.dictionary(names, texts, { maxKeys: 4 }), async (context) => {
      const message = await kms.encrypt({ key: 'k', plaintext: 'x', context })
      expect(message).toMatchObject({ keyId: id, keyVersion: 1 })
      const reversed = Object.fromEntries(Object.entries(context).toReversed())
      const opened = await kms.decrypt({ ciphertext: message.ciphertext, context: reversed })
      expect(opened).toMatchObject({ keyId: id, keyVersion: 1 })
      const without = kms.decrypt({ ciphertext: message.ciphertext, context: { ...context, keyId: 'other' } })
      expect(await outcomeOf(without)).toBe(context['keyId'] === 'other' ? 'ok' : 'INVALID_CIPHERTEXT')
    }),
    { numRuns: 25 },
  )
})
