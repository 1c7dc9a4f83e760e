import { describe, expect, test } from 'vitest'
import { actor, expectCode, makeGate, makeWorld, recordOf, recordsOf, type World } from '../support/kms.ts'

async function world(): Promise<World> {
  const made = await makeWorld()
  await made.kms.keys.create({ name: 'a', spec: 'AES_256' })
  await made.kms.keys.create({ name: 'b', spec: 'AES_256' })
  return made
}

const operations = ['encrypt'] as const

describe('listing grants', () => {
  async function filled(): Promise<World & { readonly idsOf: (request?: object) => Promise<string[]> }> {
    const made = await world()
    const { kms } = made
    for (const principal of ['anna', 'bert', 'carl']) {
      for (const key of ['a', 'b', '*']) {
        for (const name of ['one', 'two']) {
          const label = `${principal}/${key === '*' ? 'all' : key}/${name}`
          await kms.grants.create({ principal, key, operations, name: label })
        }
      }
    }
    const idsOf = async (request: object = {}): Promise<string[]> => {
      const names: string[] = []
      for await (const { name } of kms.grants.list({ ...request, limit: 2 })) names.push(name!)
      return names
    }
    return { ...made, idsOf }
  }

  test.each<[object, RegExp, number]>([
    [{}, /./, 18],
    [{ principal: 'bert' }, /^bert\//, 6],
    [{ key: 'a' }, /\/a\//, 6],
    [{ key: '*' }, /\/all\//, 6],
    [{ principal: 'bert', key: 'a' }, /^bert\/a\//, 2],
    [{ principal: 'bert', key: '*' }, /^bert\/all\//, 2],
    [{ principal: 'nobody' }, /never/, 0],
  ])('with %o gives exactly those, over any number of pages', async (request, pattern, count) => {
    const { idsOf } = await filled()
    const names = await idsOf(request)
    expect(names).toHaveLength(count)
    expect(new Set(names).size).toBe(count)
    expect(names.filter((name) => !pattern.test(name))).toEqual([])
  })

  test('awaited gives the first page and where the next begins', async () => {
    const { kms } = await filled()
    const first = await kms.grants.list({ limit: 10 })
    expect(first.items).toHaveLength(10)
    const second = await kms.grants.list({ limit: 10, cursor: first.cursor })
    expect(second.items).toHaveLength(8)
    expect(second.cursor).toBeUndefined()
    expect(await kms.grants.list({ limit: 18 })).not.toHaveProperty('cursor')
  })

  test('is for admins, auditors, and who was granted it', async () => {
    const { kms } = await filled()
    expect((await actor(kms, 'eve', 'auditor').grants.list()).items).toHaveLength(18)
    await kms.grants.create({ principal: 'lists-a', key: 'a', operations: ['listGrants'] })
    await kms.grants.create({ principal: 'lists-all', key: '*', operations: ['listGrants'] })
    const listsA = kms.as('lists-a')
    expect((await listsA.grants.list({ key: 'a' })).items).toHaveLength(7)
    await expectCode(listsA.grants.list({ key: 'b' }), 'ACCESS_DENIED')
    await expectCode(listsA.grants.list({ key: '*' }), 'ACCESS_DENIED')
    await expectCode(listsA.grants.list(), 'ACCESS_DENIED')
    await expectCode(listsA.grants.list({ principal: 'lists-a' }), 'ACCESS_DENIED')
    expect((await kms.as('lists-all').grants.list()).items).toHaveLength(20)
    await expectCode(kms.as('anna').grants.list({ principal: 'anna' }), 'ACCESS_DENIED')
  })

  test('of a key that does not exist is not found', async () => {
    const { kms } = await filled()
    await expectCode(kms.grants.list({ key: 'none' }), 'KEY_NOT_FOUND')
  })
})

describe('revoking a grant', () => {
  test('works at once, says what it was, and frees its name', async () => {
    const made = await world()
    const { kms } = made
    const grant = await kms.grants.create({ principal: 'app', key: 'a', operations, name: 'writes' })
    const app = kms.as('app')
    expect((await app.encrypt({ key: 'a', plaintext: 'x' })).keyVersion).toBe(1)
    const record = await recordOf(made, async () => {
      expect(await kms.grants.revoke({ grant: grant.id, reason: 'left' })).toEqual(grant)
    })
    expect(record).toMatchObject({ action: 'revokeGrant', status: 'SUCCESS' })
    expect(record.details).toEqual({ grant: grant.id, why: 'left', to: 'app' })
    expect(record.change?.rows).toEqual([
      { table: 'names', key: ['grant', 'writes'], rev: 0 },
      { table: 'grants', key: ['app', grant.keyId, grant.id], rev: 0 },
    ])
    await expectCode(app.encrypt({ key: 'a', plaintext: 'x' }), 'ACCESS_DENIED')
    expect((await kms.grants.create({ principal: 'app', key: 'b', operations, name: 'writes' })).name).toBe('writes')
  })

  test('on all keys is recorded as one of no key', async () => {
    const made = await world()
    const grant = await made.kms.grants.create({ principal: 'app', key: '*', operations })
    const record = await recordOf(made, () => made.kms.grants.revoke({ grant: grant.id }))
    expect(record).toMatchObject({ action: 'revokeGrant', status: 'SUCCESS', details: { to: 'app' } })
    expect(record.keyId).toBeUndefined()
  })

  test('touches no name where there is none, and no other grant', async () => {
    const made = await world()
    const { kms } = made
    const grant = await kms.grants.create({ principal: 'app', key: 'a', operations })
    const kept = await kms.grants.create({ principal: 'app', key: 'a', operations })
    const record = await recordOf(made, () => kms.grants.revoke({ grant: grant.id }))
    expect(record.change?.rows).toHaveLength(1)
    expect(record.details).toEqual({ grant: grant.id, to: 'app' })
    expect((await kms.grants.list()).items).toEqual([kept])
    expect((await kms.as('app').encrypt({ key: 'a', plaintext: 'x' })).keyVersion).toBe(1)
  })

  test('twice is a conflict for an admin, and recorded', async () => {
    const made = await world()
    const { kms } = made
    const grant = await kms.grants.create({ principal: 'app', key: 'a', operations })
    await kms.grants.revoke({ grant: grant.id })
    const record = await recordOf(made, async () => {
      const error = await expectCode(kms.grants.revoke({ grant: grant.id }), 'CONFLICT')
      expect(error.message).toBe('there is no such grant')
    })
    expect(record).toMatchObject({ status: 'FAILURE', code: 'CONFLICT', details: { grant: grant.id } })
  })

  test('by its name is the same, and only as long as it has it', async () => {
    const made = await world()
    const { kms } = made
    const grant = await kms.grants.create({ principal: 'app', key: 'a', operations, name: 'writes' })
    await kms.grants.create({ principal: 'undo-b', key: 'b', operations: ['revokeGrant'] })
    const shown = async (name: string): Promise<string> =>
      JSON.stringify(await expectCode(kms.as('undo-b').grants.revoke({ grant: name }), 'ACCESS_DENIED'))
    expect(await shown('writes')).toBe(await shown('nothing'))
    await expectCode(kms.grants.revoke({ grant: 'nothing' }), 'CONFLICT')
    await expectCode(kms.grants.revoke({ grant: 'Writes' }), 'CONFLICT')
    const record = await recordOf(made, async () => {
      expect(await kms.grants.revoke({ grant: 'writes' })).toEqual(grant)
    })
    expect(record).toMatchObject({ action: 'revokeGrant', status: 'SUCCESS', keyId: grant.keyId })
    await expectCode(kms.grants.revoke({ grant: 'writes' }), 'CONFLICT')
    await expectCode(kms.grants.revoke({ grant: grant.id }), 'CONFLICT')
  })

  test('by two at once: one wins', async () => {
    const { kms } = await world()
    const grant = await kms.grants.create({ principal: 'app', key: 'a', operations })
    const both = await Promise.allSettled([
      kms.grants.revoke({ grant: grant.id }),
      kms.grants.revoke({ grant: grant.id }),
    ])
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  })

  test.each(['', 'a b', '*', 'A0000000-0000-4000-8000-000000000000', 1, null])('takes no %o', async (grant) => {
    const { kms } = await world()
    await expectCode(kms.grants.revoke({ grant: grant as string }), 'INVALID_REQUEST')
  })

  test('works on a key in whatever state', async () => {
    const { kms } = await world()
    const grant = await kms.grants.create({ principal: 'app', key: 'a', operations })
    await kms.keys.revoke({ key: 'a', reason: 'leaked' })
    expect((await kms.grants.revoke({ grant: grant.id })).id).toBe(grant.id)
  })

  test('D59 is for who may on that key: whoever may not cannot tell whether there is such a grant', async () => {
    const made = await world()
    const { kms } = made
    const on = await Promise.all(
      ['a', 'b', '*'].map(async (key) => kms.grants.create({ principal: 'app', key, operations })),
    )
    await kms.grants.create({ principal: 'undo-a', key: 'a', operations: ['revokeGrant'] })
    await kms.grants.create({ principal: 'undo-all', key: '*', operations: ['revokeGrant'] })
    const undoA = kms.as('undo-a')
    const unknown = '00000000-0000-4000-8000-000000000000'
    const refusals = [on[1]!.id, on[2]!.id, unknown].map(async (grant) =>
      JSON.stringify(await expectCode(undoA.grants.revoke({ grant }), 'ACCESS_DENIED')),
    )
    expect(new Set(await Promise.all(refusals)).size).toBe(1)
    expect((await undoA.grants.revoke({ grant: on[0]!.id })).id).toBe(on[0]!.id)
    const record = await recordOf(made, () => kms.as('undo-all').grants.revoke({ grant: unknown }))
    expect(record).toMatchObject({ status: 'DENIED', code: 'ACCESS_DENIED', reason: 'no such grant' })
    const error = await expectCode(kms.as('undo-all').grants.revoke({ grant: unknown }), 'ACCESS_DENIED')
    expect(error.message).toBe('this principal may not do this')
    expect((await kms.as('undo-all').grants.revoke({ grant: on[2]!.id })).id).toBe(on[2]!.id)
  })
})

describe('a grant that is revoked', () => {
  test('D62 while a use of another process waits for its record denies that use', async () => {
    const gate = makeGate()
    const made = await world()
    const { kms, db } = made
    const other = await made.again({}, gate.hook)
    const grant = await kms.grants.create({ principal: 'app', key: 'a', operations: ['encrypt', 'generateDataKey'] })
    const app = other.as('app')
    await app.encrypt({ key: 'a', plaintext: 'x' })
    gate.shut()
    const waiting = [app.encrypt({ key: 'a', plaintext: 'x' }), app.generateDataKey({ key: 'a' })]
    await kms.grants.revoke({ grant: grant.id })
    gate.open()
    for (const use of waiting) await expectCode(use, 'ACCESS_DENIED')
    const after = (await db.records()).slice(-2)
    expect(after.map(({ actor: who, status }) => `${who} ${status}`)).toEqual(['app DENIED', 'app DENIED'])
  })

  test('D62 in the same batch as a use of the same process stands after it', async () => {
    const { kms, db } = await world()
    const grant = await kms.grants.create({ principal: 'app', key: 'a', operations })
    const app = kms.as('app')
    const [use, revoked] = [app.encrypt({ key: 'a', plaintext: 'x' }), kms.grants.revoke({ grant: grant.id })]
    await Promise.allSettled([use, revoked])
    await expectCode(app.encrypt({ key: 'a', plaintext: 'x' }), 'ACCESS_DENIED')
    const records = await db.records()
    const revocation = records.findIndex(({ action }) => action === 'revokeGrant')
    const later = records.slice(revocation).filter(({ actor: who, status }) => who === 'app' && status === 'SUCCESS')
    expect(later).toEqual([])
  })

  test('D57 does not come back with a key of the same name', async () => {
    const made = await world()
    const { kms } = made
    const grant = await kms.grants.create({ principal: 'app', key: 'a', operations })
    await kms.grants.revoke({ grant: grant.id })
    const records = await recordsOf(made, () => kms.as('app').encrypt({ key: 'a', plaintext: 'x' }))
    expect(records).toMatchObject([{ status: 'DENIED', reason: 'no grant covers it' }])
    await kms.grants.create({ principal: 'app', key: 'b', operations })
    await expectCode(kms.as('app').encrypt({ key: 'a', plaintext: 'x' }), 'ACCESS_DENIED')
  })
})
