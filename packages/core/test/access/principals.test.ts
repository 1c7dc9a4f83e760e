import { describe, expect, test } from 'vitest'
import { actor, day, expectCode, makeWorld, outcomeOf, recordOf, recordsOf } from '../support/kms.ts'
import { makeTarget, verbs } from '../support/verbs.ts'

describe('a principal that was deactivated', () => {
  test.each(['service', 'auditor', 'admin'] as const)(
    'D57 is refused every verb as %s, whatever the host says of it, and it is recorded why',
    async (role) => {
      const world = await makeWorld()
      const { kms } = world
      const target = await makeTarget(kms, 'k')
      await kms.grants.create({ principal: 'carl', key: '*', operations: ['encrypt', 'listKeys', 'describeKey'] })
      await kms.principals.deactivate({ principal: 'carl' })
      for (const [name, verb] of Object.entries(verbs)) {
        const records = await recordsOf(world, () => verb.run(actor(kms, 'carl', role), target))
        const told = records.map(({ status, code, reason, role: as }) => ({ status, code, reason, as }))
        const reason = 'the principal is deactivated'
        expect([name, told]).toEqual([name, [{ status: 'DENIED', code: 'ACCESS_DENIED', reason, as: role }]])
      }
    },
  )

  test('D57 is refused what belongs to no key too, and what cannot be read', async () => {
    const { kms } = await makeWorld()
    await kms.principals.deactivate({ principal: 'carl' })
    const carl = actor(kms, 'carl', 'admin')
    await expectCode(carl.encryptMany({ items: [] }), 'ACCESS_DENIED')
    await expectCode(carl.decrypt({ ciphertext: 'AAAA' }), 'ACCESS_DENIED')
    await expectCode(carl.decryptMany({ items: [{ ciphertext: 'AAAA' }] }), 'ACCESS_DENIED')
  })

  test('D57 is what it was before once it is activated again', async () => {
    const { kms } = await makeWorld()
    await makeTarget(kms, 'k')
    await kms.grants.create({ principal: 'carl', key: 'k', operations: ['encrypt'] })
    const carl = kms.as('carl')
    expect(await kms.principals.deactivate({ principal: 'carl' })).toEqual({ id: 'carl', active: false })
    await expectCode(carl.encrypt({ key: 'k', plaintext: 'x' }), 'ACCESS_DENIED')
    expect(await kms.principals.activate({ principal: 'carl' })).toEqual({ id: 'carl', active: true })
    expect((await carl.encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(1)
    await expectCode(carl.decrypt({ ciphertext: Buffer.alloc(120) }), 'INVALID_CIPHERTEXT')
  })

  test('D57 stays so for whoever comes later by the same name', async () => {
    const { kms, again } = await makeWorld()
    await kms.principals.deactivate({ principal: 'carl' })
    const later = await again()
    await later.keys.create({ name: 'k', spec: 'AES_256' })
    await later.grants.create({ principal: 'carl', key: 'k', operations: ['encrypt'] })
    await expectCode(later.as('carl').encrypt({ key: 'k', plaintext: 'x' }), 'ACCESS_DENIED')
    await expectCode(actor(later, 'carl', 'admin').keys.create({ spec: 'AES_256' }), 'ACCESS_DENIED')
  })

  test('D57 stands for nobody else', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.grants.create({ principal: 'Carl', key: 'k', operations: ['encrypt'] })
    await kms.principals.deactivate({ principal: 'carl' })
    expect((await kms.as('Carl').encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(1)
  })

  test('D62 in the batch of its own change is refused that change', async () => {
    const { kms, db } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const anna = actor(kms, 'anna', 'admin')
    const work = [
      anna.keys.update({ key: 'k', description: 'before' }),
      kms.principals.deactivate({ principal: 'anna' }),
      anna.keys.update({ key: 'k', description: 'after' }),
    ]
    expect(await Promise.all(work.map(outcomeOf))).toEqual(['ok', 'ok', 'ACCESS_DENIED'])
    expect((await kms.keys.get({ key: 'k' })).description).toBe('before')
    expect((await db.records()).slice(-4, -1).map(({ actor: who, status }) => `${who} ${status}`)).toEqual([
      'anna SUCCESS',
      'owner SUCCESS',
      'anna DENIED',
    ])
  })
})

describe('saying that a principal is active, or is not', () => {
  test('is recorded with whom it is about, why, and the row that it touched', async () => {
    const world = await makeWorld()
    const { kms, db, clock } = world
    const first = await recordOf(world, () => kms.principals.deactivate({ principal: 'carl', reason: 'left' }))
    expect(first).toMatchObject({ action: 'deactivatePrincipal', status: 'SUCCESS' })
    expect(first.details).toEqual({ principal: 'carl', why: 'left' })
    expect(first.change?.rows).toEqual([{ table: 'principals', key: ['carl'], rev: 1 }])
    const created = clock.now()
    const row = { id: 'carl', active: 0, createdAt: created, stateChangedBy: 'owner', stateReason: 'left' }
    expect(await db.rows('principals')).toMatchObject([{ ...row, stateChangedAt: created }])
    clock.advance(day)
    const second = await recordOf(world, () => kms.principals.activate({ principal: 'carl' }))
    expect(second).toMatchObject({ action: 'activatePrincipal', details: { principal: 'carl' } })
    expect(second.details).toEqual({ principal: 'carl' })
    expect(second.change?.rows).toEqual([{ table: 'principals', key: ['carl'], rev: 2 }])
    const changed = { active: 1, createdAt: created, stateChangedAt: clock.now(), stateReason: null }
    expect(await db.rows('principals')).toMatchObject([changed])
  })

  test('may be said of somebody whom nobody knows yet, and twice', async () => {
    const { kms, db } = await makeWorld()
    await kms.principals.activate({ principal: 'new' })
    expect(await db.rows('principals')).toMatchObject([{ id: 'new', active: 1 }])
    await kms.principals.deactivate({ principal: 'new' })
    await kms.principals.deactivate({ principal: 'new' })
    expect(await db.rows('principals')).toMatchObject([{ id: 'new', active: 0, rev: 3 }])
  })

  test('by two at once comes out as the later of them', async () => {
    const { kms, db } = await makeWorld()
    const both = [kms.principals.activate({ principal: 'x' }), kms.principals.deactivate({ principal: 'x' })]
    expect(await Promise.all(both.map(outcomeOf))).toEqual(['ok', 'ok'])
    expect(await db.rows('principals')).toMatchObject([{ id: 'x', active: 0 }])
  })

  test('D61 of itself is refused to anybody, so that one who may always remains', async () => {
    const world = await makeWorld()
    const { kms, db } = world
    for (const say of [kms.principals.deactivate.bind(kms.principals), kms.principals.activate.bind(kms.principals)]) {
      const record = await recordOf(world, async () => {
        const error = await expectCode(say({ principal: 'owner' }), 'INVALID_REQUEST')
        expect(error.message).toBe('a principal cannot say this of itself')
      })
      expect(record).toMatchObject({ status: 'FAILURE', code: 'INVALID_REQUEST', details: { principal: 'owner' } })
    }
    expect(await db.rows('principals')).toEqual([])
  })

  test.each(['service', 'auditor'] as const)('D61 is refused to a %s, of itself and of others', async (role) => {
    const world = await makeWorld()
    const { kms, db } = world
    await kms.grants.create({ principal: 'carl', key: '*', operations: ['createGrant', 'revokeGrant'] })
    const carl = actor(kms, 'carl', role)
    for (const principal of ['carl', 'owner', 'other']) {
      const record = await recordOf(world, () => carl.principals.deactivate({ principal, reason: 'spite' }))
      expect(record).toMatchObject({ action: 'deactivatePrincipal', status: 'DENIED', details: { principal } })
      await expectCode(carl.principals.activate({ principal }), 'ACCESS_DENIED')
    }
    expect(await db.rows('principals')).toEqual([])
  })

  test("S3-06 is the gate of the host's word: an inactive admin that the embedding application is, is refused too", async () => {
    const { kms, again } = await makeWorld()
    const other = await again({ principal: { id: 'other', role: 'admin' } })
    await other.principals.deactivate({ principal: 'owner' })
    await expectCode(kms.keys.create({ spec: 'AES_256' }), 'ACCESS_DENIED')
    await expectCode(kms.audit.list(), 'ACCESS_DENIED')
    await other.principals.activate({ principal: 'owner' })
    expect((await kms.keys.create({ spec: 'AES_256' })).spec).toBe('AES_256')
  })

  test.each<[string, object]>([
    ['no principal', {}],
    ['an empty reason', { principal: 'carl', reason: '' }],
    ['a long reason', { principal: 'carl', reason: 'x'.repeat(257) }],
    ['a NUL in the reason', { principal: 'carl', reason: 'a\0' }],
    ['a role', { principal: 'carl', role: 'admin' }],
  ])('takes no request with %s', async (_, request) => {
    const { kms } = await makeWorld()
    await expectCode(kms.principals.deactivate(request as never), 'INVALID_REQUEST')
    await expectCode(kms.principals.activate(request as never), 'INVALID_REQUEST')
  })
})
