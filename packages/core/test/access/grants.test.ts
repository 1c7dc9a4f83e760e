import { describe, expect, test } from 'vitest'
import type { CreateGrantRequest, GrantDescription } from '../../src/index.ts'
import { day, expectCode, makeWorld, recordOf, recordsOf, type World } from '../support/kms.ts'

async function world(): Promise<World & { readonly id: string }> {
  const made = await makeWorld()
  const { id } = await made.kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'shop' })
  return { ...made, id: id! }
}

const grant = { principal: 'app', key: 'k', operations: ['decrypt', 'encrypt', 'decrypt'] } as const

describe('creating a grant', () => {
  test('S0-34 says who may do what on which key, sorted and once, with its conditions and its end', async () => {
    const { kms, clock, id } = await world()
    const constraints = { contextSubset: { b: '2', a: '1' } }
    const expiresAt = new Date(clock.now() + day)
    const made = await kms.grants.create({ ...grant, name: 'reads', constraints, expiresAt })
    expect(made).toEqual({
      id: made.id,
      name: 'reads',
      principal: 'app',
      keyId: id,
      operations: ['decrypt', 'encrypt'],
      constraints,
      expiresAt,
      createdAt: new Date(clock.now()),
      createdBy: 'owner',
    })
    expect((await kms.grants.list({ key: 'k' })).items).toEqual([made])
    const plain = await kms.grants.create({ ...grant, key: id })
    expect(plain).toMatchObject({ name: undefined, constraints: {}, expiresAt: undefined, keyId: id })
    expect(plain.id).not.toBe(made.id)
  })

  test('S0-34 is recorded with its id and whom it is for', async () => {
    const made = await world()
    let description: GrantDescription | undefined
    const record = await recordOf(made, async () => {
      description = await made.kms.grants.create({ ...grant, name: 'reads' })
    })
    expect(record).toMatchObject({ action: 'createGrant', status: 'SUCCESS', keyId: made.id, owner: 'shop' })
    expect(record.details).toEqual({ grant: description?.id, to: 'app' })
    expect(record.change?.rows).toEqual([
      { table: 'names', key: ['grant', 'reads'], rev: 1 },
      { table: 'grants', key: ['app', made.id, description?.id], rev: 1 },
    ])
  })

  test.each<[string, object]>([
    ['no principal', { principal: undefined }],
    ['no key', { key: undefined }],
    ['no operations', { operations: [] }],
    ['an operation that does not exist', { operations: ['signature'] }],
    ['101 operations', { operations: Array.from({ length: 101 }, () => 'decrypt') }],
    ['a role', { role: 'admin' }],
    ['a field of the row', { createdBy: 'somebody' }],
    ['an id', { id: '00000000-0000-4000-8000-000000000000' }],
    ['a name with a space', { name: 'a b' }],
    ['a name in the shape of an id', { name: '00000000-0000-4000-8000-000000000000' }],
    ['a key that is a pattern', { key: 'k*' }],
    ['two stars', { key: '**' }],
  ])('is refused with %s', async (_, change) => {
    const { kms, db } = await world()
    const request = { ...grant, ...change } as CreateGrantRequest
    await expectCode(kms.grants.create(request), 'INVALID_REQUEST')
    expect(await db.rows('grants')).toEqual([])
  })

  test.each<[string, object]>([
    ['D58 with a trailing space', { operations: ['decrypt '] }],
    ['D58 with capitals', { operations: ['DECRYPT'] }],
    ['D58 with a star', { operations: ['*'] }],
    ['D58 with an empty operation', { operations: [''] }],
    ['D58 with __proto__', { operations: ['__proto__'] }],
    ['D58 with constructor', { operations: ['constructor'] }],
    ['D58 with hasOwnProperty', { operations: ['hasOwnProperty'] }],
    ['D58 with a string instead of an array', { operations: 'decrypt' }],
    ['D58 with an array in the array', { operations: [['decrypt']] }],
    ['D58 with a set', { operations: new Set(['decrypt']) }],
    ['D65 with what only admins do', { operations: ['deactivatePrincipal'] }],
    ['D65 with what only auditors do', { operations: ['readAudit'] }],
    ['D65 with an internal action', { operations: ['genesis'] }],
  ])('%s is refused', async (_, change) => {
    const { kms, db } = await world()
    await expectCode(kms.grants.create({ ...grant, ...change } as CreateGrantRequest), 'INVALID_REQUEST')
    expect(await db.rows('grants')).toEqual([])
  })

  test.each([
    'Billing ',
    ' billing',
    '*',
    'a*',
    '',
    'a\0b',
    'a\nb',
    '\u0131d',
    '\uff41pp',
    'аpp',
    'app\u200b',
    '-app',
    'a'.repeat(257),
    1,
    null,
    ['app'],
    { id: 'app' },
  ])('D68 is not for the principal %o, nor is anybody called so', async (principal) => {
    const { kms } = await world()
    await expectCode(kms.grants.create({ ...grant, principal: principal as string }), 'INVALID_REQUEST')
    expect(() => kms.as(principal as string)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
    await expectCode(kms.principals.deactivate({ principal: principal as string }), 'INVALID_REQUEST')
  })

  test('D68 is for exactly this principal: case matters, and so do signs', async () => {
    const { kms } = await world()
    await kms.grants.create({ ...grant, principal: 'app@example.com' })
    for (const other of ['App@example.com', 'app@example.co', 'app@example.com,x', 'app', 'app@example.com/']) {
      await expectCode(kms.as(other).encrypt({ key: 'k', plaintext: 'x' }), 'ACCESS_DENIED')
    }
    expect((await kms.as('app@example.com').encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(1)
  })

  test('of a key that does not exist is not found, and of one that is revoked not made', async () => {
    const { kms } = await world()
    await expectCode(kms.grants.create({ ...grant, key: 'none' }), 'KEY_NOT_FOUND')
    await kms.keys.revoke({ key: 'k', reason: 'leaked' })
    await expectCode(kms.grants.create(grant), 'INVALID_KEY_STATE')
  })

  test('goes to 100 for a principal and a key, and then no further', async () => {
    const { kms, db } = await world()
    const made = Array.from({ length: 101 }, async () => kms.grants.create(grant))
    const outcomes = await Promise.allSettled(made)
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(await db.rows('grants')).toHaveLength(100)
    const error = await expectCode(kms.grants.create(grant), 'LIMIT_EXCEEDED')
    expect(error.message).toBe('a principal has at most 100 grants on one key')
    expect((await kms.grants.create({ ...grant, principal: 'other' })).principal).toBe('other')
    expect((await kms.grants.create({ ...grant, key: '*' })).keyId).toBe('*')
  })

  test('takes what it was given when it was called', async () => {
    const { kms, clock } = await world()
    const constraints = { contextSubset: { table: 'a' }, contextEquals: { table: 'a', row: '1' } }
    const operations: ['encrypt' | 'decrypt'] = ['encrypt']
    const expiresAt = new Date(clock.now() + day)
    const made = kms.grants.create({ principal: 'app', key: 'k', operations, constraints, expiresAt })
    constraints.contextSubset.table = 'b'
    constraints.contextEquals.row = '2'
    operations[0] = 'decrypt'
    expiresAt.setTime(8e15)
    expect(await made).toMatchObject({
      operations: ['encrypt'],
      constraints: { contextSubset: { table: 'a' }, contextEquals: { table: 'a', row: '1' } },
      expiresAt: new Date(clock.now() + day),
    })
  })
})

describe('ensuring a grant', () => {
  test('makes it once, and finds it from then on', async () => {
    const made = await world()
    const { kms } = made
    const request = { ...grant, name: 'reads', constraints: { contextSubset: { a: '1', b: '2' } } }
    const first = await kms.grants.ensure(request)
    const again = { ...request, operations: ['encrypt', 'decrypt'] as const }
    const constraints = { contextSubset: { b: '2', a: '1' }, contextEquals: undefined }
    const record = await recordOf(made, () => kms.grants.ensure({ ...again, constraints }))
    expect(record).toMatchObject({ action: 'createGrant', status: 'SUCCESS', keyId: made.id })
    expect(record.details).toEqual({ grant: first.id, to: 'app', existed: true })
    expect(record.change).toBeUndefined()
    expect(await kms.grants.ensure(request)).toEqual(first)
    expect((await kms.grants.list()).items).toEqual([first])
  })

  test('is recorded with the new id when it made one', async () => {
    const made = await world()
    const [record] = await recordsOf(made, () => made.kms.grants.ensure({ ...grant, name: 'reads' }))
    const [only] = (await made.kms.grants.list()).items
    expect(record?.details).toEqual({ grant: only?.id, to: 'app', existed: false })
  })

  test.each<[string, object]>([
    ['principal', { principal: 'other' }],
    ['key', { key: '*' }],
    ['operations', { operations: ['encrypt'] }],
    ['constraints', { constraints: { contextSubset: { a: '1' } } }],
    ['end', { expiresAt: new Date(8e15) }],
  ])('with another %s is a conflict, and changes nothing', async (_, change) => {
    const made = await world()
    const { kms } = made
    const first = await kms.grants.ensure({ ...grant, name: 'reads' })
    const record = await recordOf(made, async () => {
      const error = await expectCode(kms.grants.ensure({ ...grant, name: 'reads', ...change }), 'CONFLICT')
      expect(error.message).toBe('the grant of this name says something else')
    })
    expect(record).toMatchObject({ status: 'FAILURE', code: 'CONFLICT' })
    expect((await kms.grants.list()).items).toEqual([first])
  })

  test('needs a name', async () => {
    const { kms } = await world()
    await expectCode(kms.grants.ensure(grant as never), 'INVALID_REQUEST')
  })
})

describe('upserting a grant', () => {
  test('S0-32 inserts, and from then on puts it in the place of what had no name', async () => {
    const made = await world()
    const { kms } = made
    const first = await kms.grants.upsert(grant)
    const named = await kms.grants.create({ ...grant, name: 'kept' })
    const elsewhere = await kms.grants.create({ ...grant, key: '*' })
    const extra = await kms.grants.create({ ...grant, operations: ['describeKey'] })
    const record = await recordOf(made, () => kms.grants.upsert({ ...grant, operations: ['encrypt'] }))
    expect(record).toMatchObject({ action: 'createGrant', status: 'SUCCESS', keyId: made.id })
    expect(record.details).toMatchObject({ to: 'app', replaced: 2 })
    const ids = (await kms.grants.list()).items.map(({ id }) => id)
    expect(ids).toContain(named.id)
    expect(ids).toContain(elsewhere.id)
    expect(ids).not.toContain(first.id)
    expect(ids).not.toContain(extra.id)
    expect(ids).toContain(record.details?.['grant'])
    await expectCode(kms.as('app').decrypt({ ciphertext: Buffer.alloc(96), key: 'k' }), 'INVALID_CIPHERTEXT')
  })

  test('S0-32 has no name', async () => {
    const { kms } = await world()
    await expectCode(kms.grants.upsert({ ...grant, name: 'reads' } as never), 'INVALID_REQUEST')
  })

  test('S0-32 counts none replaced where there was none', async () => {
    const made = await world()
    const record = await recordOf(made, () => made.kms.grants.upsert(grant))
    expect(record.details).toMatchObject({ replaced: 0 })
  })
})
