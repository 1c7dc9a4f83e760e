import { describe, expect, test } from 'vitest'
import { createKms, generateRootKey, Kms, localRootKey, type KmsClient } from '../../src/index.ts'
import { actor, expectCode, makeWorld, moving, outcomeOf, recordsOf, settle } from '../support/kms.ts'
import { makeTarget, tendingOne, using, type Target } from '../support/verbs.ts'

const unknownId = '00000000-0000-4000-8000-000000000000'
const keyed = { ...using, ...tendingOne }

function ofKey(message: Buffer, id: string): Buffer {
  const changed = Buffer.from(message)
  changed.write(id.replaceAll('-', ''), 4, 16, 'hex')
  return changed
}

async function idsOf(list: AsyncIterable<string>): Promise<string[]> {
  const ids: string[] = []
  for await (const id of list) ids.push(id)
  return ids
}

describe('the tenants of a storage', () => {
  test('are listed by their ids, page by page, whoever made them and whether they are open or not', async () => {
    const { kms, again } = await makeWorld()
    for (const id of ['blue', 'amber', 'Zinc']) await kms.tenants.ensure(id)
    const other = await again()
    const all = ['Zinc', 'amber', 'blue', 'default']
    expect(await idsOf(other.tenants.list())).toEqual(all)
    expect(await other.tenants.list()).toEqual({ items: all })
    expect(await other.tenants.list({ limit: 2 })).toEqual({ items: ['Zinc', 'amber'], cursor: 'amber' })
    expect(await other.tenants.list({ cursor: 'amber' })).toEqual({ items: ['blue', 'default'] })
    expect(await idsOf(other.tenants.list({ limit: 1 }))).toEqual(all)
    for (const wrong of [{ limit: 0 }, { limit: 1001 }, { limit: 1.5 }]) {
      expect(() => kms.tenants.list(wrong)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
    }
    await expectCode(Promise.resolve(kms.tenants.list({ cursor: '' })), 'INVALID_REQUEST')
    await other.close()
    await expectCode(Promise.resolve(other.tenants.list()), 'CLOSED')
  })

  test('are each given another root key in a loop, after which the old one opens none of them', async () => {
    const { kms, db } = await makeWorld()
    for (const id of ['blue', 'amber']) await (await kms.tenants.ensure(id)).keys.create({ name: 'k', spec: 'AES_256' })
    const to = localRootKey(generateRootKey())
    for await (const id of kms.tenants.list()) {
      const tenant = await kms.tenant(id)
      await tenant.rootKey.rotate({ to, retire: true })
    }
    const providers = new Set(
      (await db.everything()).flatMap(({ provider }) => (provider === undefined ? [] : [provider])),
    )
    expect([...providers]).toEqual([(await to.describe()).id])
    const reopened = await createKms({ storage: db.connect(), rootKey: to })
    for await (const id of reopened.tenants.list()) await (await reopened.tenant(id)).audit.verify()
    await reopened.close()
  })
})

describe('a tenant', () => {
  test('is made once, found from then on, and unknown before', async () => {
    const { kms, db } = await makeWorld()
    const error = await expectCode(kms.tenant('blue'), 'TENANT_NOT_FOUND')
    expect(error.message).toBe('there is no such tenant')
    expect(await db.rows('keyring', ['blue'])).toEqual([])
    const blue = await kms.tenants.ensure('blue')
    expect(blue).toBeInstanceOf(Kms)
    await blue.keys.create({ name: 'k', spec: 'AES_256' })
    for (const again of [await kms.tenants.ensure('blue'), await kms.tenant('blue'), await blue.tenant('blue')]) {
      expect((await again.keys.list()).items.map(({ name }) => name)).toEqual(['k'])
    }
    expect(await db.rows('keyring', ['blue'])).toHaveLength(1)
    expect((await db.records('blue')).filter(({ action }) => action === 'genesis')).toHaveLength(1)
  })

  test('D65 is begun once, by however many at once', async () => {
    const { kms, db, clock, again } = await makeWorld()
    const other = await again()
    const all = [kms, other, kms, other].map(async (one) => one.tenants.ensure('blue'))
    const made = await moving(clock, Promise.all(all))
    await Promise.all(made.map(async (one, at) => one.keys.create({ name: `k${at}`, spec: 'AES_256' })))
    expect((await made[0]!.keys.list()).items).toHaveLength(4)
    expect(await db.rows('keyring', ['blue'])).toHaveLength(1)
    expect(await made[0]!.audit.verify()).toMatchObject({ ok: true })
  })

  test.each(['', ' ', 'a b', '*', '-a', '.a', 'a/b', 'a\0', 'x'.repeat(65), '\u00fc', 1, null, undefined, {}])(
    'is not called %o',
    async (id) => {
      const { kms } = await makeWorld()
      await expectCode(kms.tenant(id as string), 'INVALID_REQUEST')
      await expectCode(kms.tenants.ensure(id as string), 'INVALID_REQUEST')
    },
  )

  test.each(['a', 'x'.repeat(64), 'A_b.c-1', '__proto__'.slice(2), 'constructor'])('may be called %s', async (id) => {
    const { kms } = await makeWorld()
    expect(await outcomeOf(kms.tenants.ensure(id))).toBe(/^[A-Za-z0-9]/.test(id) ? 'ok' : 'INVALID_REQUEST')
  })

  test('is what createKms is told, and otherwise the default one', async () => {
    const { kms, again, db } = await makeWorld()
    const blue = await again({ tenant: 'blue' })
    await blue.keys.create({ name: 'k', spec: 'AES_256' })
    await expectCode(kms.keys.get({ key: 'k' }), 'KEY_NOT_FOUND')
    expect((await (await kms.tenant('blue')).keys.get({ key: 'k' })).name).toBe('k')
    const standard = await blue.tenant('default')
    expect((await standard.keys.list()).items).toEqual([])
    expect((await db.records('blue')).every(({ tenant }) => tenant === 'blue')).toBe(true)
  })
})

describe('another tenant', () => {
  async function neighbours(): Promise<{ kms: Kms; blue: Kms; foreign: Target & { id: string }; own: Target }> {
    const { kms } = await makeWorld()
    const blue = await kms.tenants.ensure('blue')
    return { kms, blue, own: await makeTarget(kms, 'own'), foreign: await makeTarget(blue, 'foreign') }
  }

  const shown = async (work: PromiseLike<unknown>): Promise<string> => {
    const error = await settle(work)
    return error instanceof Error ? JSON.stringify([error, error.message, Object.keys(error)]) : 'ok'
  }

  const clients: readonly [string, (kms: Kms) => Promise<KmsClient>][] = [
    ['an admin', async (kms) => kms],
    ['an auditor', async (kms) => actor(kms, 'eve', 'auditor')],
    ['a service without grants', async (kms) => kms.as('nobody')],
    [
      'a service with a grant on all keys',
      async (kms) => {
        const operations = ['encrypt', 'decrypt', 'reEncryptFrom', 'describeKey', 'rotateKey', 'listGrants'] as const
        await kms.grants.create({
          principal: 'app',
          key: '*',
          operations: [...operations, 'createGrant', 'revokeGrant'],
        })
        return kms.as('app')
      },
    ],
  ]

  test.each(clients)('D64 gives %s the same answer for its key as for one that does not exist', async (_, who) => {
    const { kms, foreign } = await neighbours()
    const client = await who(kms)
    const unknown = {
      key: unknownId,
      message: ofKey(foreign.message, unknownId),
      wrapped: ofKey(foreign.wrapped, unknownId),
      dataKey: ofKey(foreign.dataKey, unknownId),
      grant: unknownId,
    }
    for (const [name, verb] of Object.entries(keyed)) {
      const answer = await shown(verb.run(client, { ...foreign, key: foreign.id }))
      expect([name, answer]).toEqual([name, await shown(verb.run(client, unknown))])
      expect([name, answer]).not.toEqual([name, 'ok'])
      expect([name, await shown(verb.run(client, foreign))]).toEqual([name, await shown(verb.run(client, unknown))])
    }
  })

  test('D64 opens nothing of this one, whatever the ciphertext says', async () => {
    const { kms, blue, own, foreign } = await neighbours()
    await expectCode(blue.decrypt({ ciphertext: own.message }), 'INVALID_CIPHERTEXT')
    await expectCode(kms.decrypt({ ciphertext: foreign.message }), 'INVALID_CIPHERTEXT')
    const { id } = await kms.keys.get({ key: 'own' })
    await expectCode(kms.decrypt({ ciphertext: ofKey(foreign.message, id) }), 'INVALID_CIPHERTEXT')
    await expectCode(kms.reEncrypt({ ciphertext: foreign.message, key: 'own' }), 'INVALID_CIPHERTEXT')
    await expectCode(kms.reEncrypt({ ciphertext: own.message, key: foreign.id }), 'KEY_NOT_FOUND')
  })

  test('D64 has its own names, grants, principals and log', async () => {
    const { kms, blue } = await neighbours()
    await blue.keys.create({ name: 'own', spec: 'AES_256' })
    await kms.grants.create({ name: 'same', principal: 'app', key: 'own', operations: ['encrypt'] })
    await blue.grants.create({ name: 'same', principal: 'other', key: 'own', operations: ['encrypt'] })
    expect((await kms.as('app').encrypt({ key: 'own', plaintext: 'x' })).keyVersion).toBe(1)
    await expectCode(blue.as('app').encrypt({ key: 'own', plaintext: 'x' }), 'ACCESS_DENIED')
    await blue.principals.deactivate({ principal: 'app' })
    expect((await kms.as('app').encrypt({ key: 'own', plaintext: 'x' })).keyVersion).toBe(1)
    expect((await kms.grants.list({ principal: 'other' })).items).toEqual([])
    const [grant] = (await blue.grants.list({ principal: 'other' })).items
    await expectCode(kms.grants.revoke({ grant: grant!.id }), 'CONFLICT')
    const logged = (await kms.audit.list({ limit: 500 })).items
    expect(new Set(logged.map(({ tenant }) => tenant))).toEqual(new Set(['default']))
    expect(logged.map(({ seq }) => seq)).toEqual(logged.map((__, at) => at))
  })

  test("D64 lists none of this one's keys, with a cursor of this one either", async () => {
    const { kms, blue } = await neighbours()
    await kms.keys.create({ name: 'own2', spec: 'AES_256' })
    const { cursor } = await kms.keys.list({ limit: 1 })
    expect((await blue.keys.list()).items.map(({ name }) => name)).toEqual(['foreign'])
    const { items } = await blue.keys.list({ cursor })
    expect(items.every(({ name }) => name === 'foreign')).toBe(true)
  })

  test('D64 records nothing here, nor does this one there', async () => {
    const world = await makeWorld()
    const blue = await world.kms.tenants.ensure('blue')
    const records = await recordsOf(world, async () => blue.keys.create({ name: 'k', spec: 'AES_256' }))
    expect(records).toEqual([])
    expect((await world.db.records('blue')).at(-1)).toMatchObject({
      action: 'createKey',
      tenant: 'blue',
      actor: 'owner',
    })
    const who = blue.as({ id: 'anna', role: 'auditor' }, { requestId: 'r' })
    await expectCode(who.keys.rotate({ key: 'k' }), 'ACCESS_DENIED')
    expect((await world.db.records('blue')).at(-1)).toMatchObject({ status: 'DENIED', actor: 'anna', requestId: 'r' })
  })

  test('D64 has material of its own: rows that change places open nothing', async () => {
    const { kms, db, again } = await makeWorld()
    await kms.keys.create({ name: 'a', spec: 'AES_256' })
    await kms.keys.create({ name: 'b', spec: 'AES_256' })
    const [first, second] = await db.rows('versions')
    await db.plant('versions', ({ keyId }) => keyId === second!['keyId'], { material: first!['material'] ?? null })
    const later = await again()
    const outcomes = await Promise.all(['a', 'b'].map(async (key) => outcomeOf(later.encrypt({ key, plaintext: 'x' }))))
    expect(outcomes.toSorted()).toEqual(['STORAGE_TAMPERED', 'ok'])
  })
})
