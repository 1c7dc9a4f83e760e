import { describe, expect, test } from 'vitest'
import { day, expectCode, makeWorld, outcomeOf, recordOf, recordsOf, type World } from '../support/kms.ts'

async function worldWithKeys(): Promise<World> {
  const world = await makeWorld()
  await world.kms.keys.create({ name: 'old', spec: 'AES_256' })
  await world.kms.keys.create({ name: 'new', spec: 'AES_256' })
  return world
}

describe('an alias', () => {
  test('is one more name of a key, for whatever takes a key', async () => {
    const { kms, clock } = await worldWithKeys()
    const { id } = await kms.keys.get({ key: 'old' })
    expect(await kms.aliases.create({ alias: 'orders', key: 'old' })).toEqual({
      alias: 'orders',
      keyId: id,
      createdAt: new Date(clock.now()),
      createdBy: 'owner',
      retargetedAt: undefined,
      retargetedBy: undefined,
    })
    const { ciphertext, keyId } = await kms.encrypt({ key: 'orders', plaintext: 'x' })
    expect(keyId).toBe(id)
    expect((await kms.decrypt({ ciphertext, key: 'orders' })).plaintext.toString()).toBe('x')
    await kms.keys.rotate({ key: 'orders' })
    expect((await kms.keys.get({ key: 'old' })).currentVersion).toBe(2)
    await kms.grants.create({ principal: 'app', key: 'orders', operations: ['decrypt'] })
    expect((await kms.as('app').decrypt({ ciphertext })).plaintext.toString()).toBe('x')
    expect((await kms.key('orders').describe()).id).toBe(id)
  })

  test('is found by one read of one row, and by none once it is known', async () => {
    const { kms, again } = await worldWithKeys()
    await kms.aliases.create({ alias: 'orders', key: 'old' })
    let snapshots = 0
    const other = await again({}, (verb) => void (snapshots += verb === 'snapshot' ? 1 : 0))
    const encrypt = async (key: string): Promise<number> => {
      snapshots = 0
      await other.encrypt({ key, plaintext: 'x' })
      return snapshots
    }
    expect(await encrypt('old')).toBeGreaterThan(1)
    expect(await encrypt('orders')).toBe(1)
    expect(await encrypt('orders')).toBe(0)
  })

  test('P3 that is retargeted names the other key from then on, in every process, cached or not', async () => {
    const { kms, clock, again } = await worldWithKeys()
    const other = await again()
    await kms.aliases.create({ alias: 'orders', key: 'old' })
    const before = await other.encrypt({ key: 'orders', plaintext: 'before' })
    clock.advance(day)
    const retargeted = await kms.aliases.retarget({ alias: 'orders', key: 'new' })
    const { id } = await kms.keys.get({ key: 'new' })
    expect(retargeted).toMatchObject({ keyId: id, retargetedAt: new Date(clock.now()), retargetedBy: 'owner' })
    expect((await other.encrypt({ key: 'orders', plaintext: 'after' })).keyId).toBe(id)
    expect((await other.decrypt({ ciphertext: before.ciphertext })).plaintext.toString()).toBe('before')
    expect(await outcomeOf(other.decrypt({ ciphertext: before.ciphertext, key: 'orders' }))).toBe('INVALID_CIPHERTEXT')
  })

  test('C54 is of the same namespace as the names of keys: each is there once, whoever comes first', async () => {
    const { kms, db } = await worldWithKeys()
    await kms.aliases.create({ alias: 'orders', key: 'old' })
    for (const alias of ['orders', 'old', 'new']) {
      await expectCode(kms.aliases.create({ alias, key: 'new' }), 'NAME_TAKEN')
    }
    await expectCode(kms.keys.create({ name: 'orders', spec: 'AES_256' }), 'NAME_TAKEN')
    expect(await db.rows('aliases')).toHaveLength(1)
    expect(await db.rows('names')).toHaveLength(3)
  })

  test.each(['', ' orders', 'orders*', 'or\0ders', '\u043erders', 'x'.repeat(257), null, 42])(
    'C54 is not %j',
    async (alias) => {
      const { kms, db } = await worldWithKeys()
      await expectCode(kms.aliases.create({ alias: alias as string, key: 'old' }), 'INVALID_REQUEST')
      await expectCode(kms.aliases.delete({ alias: alias as string }), 'INVALID_REQUEST')
      expect(await db.rows('aliases')).toEqual([])
    },
  )

  test('that is deleted names nothing, leaves its key alone, and can be made again', async () => {
    const { kms, db } = await worldWithKeys()
    const made = await kms.aliases.create({ alias: 'orders', key: 'old' })
    expect(await kms.aliases.delete({ alias: 'orders' })).toEqual(made)
    await expectCode(kms.encrypt({ key: 'orders', plaintext: 'x' }), 'KEY_NOT_FOUND')
    await expectCode(kms.aliases.delete({ alias: 'orders' }), 'KEY_NOT_FOUND')
    await expectCode(kms.aliases.retarget({ alias: 'orders', key: 'old' }), 'KEY_NOT_FOUND')
    expect(await db.rows('aliases')).toEqual([])
    expect((await kms.keys.get({ key: 'old' })).state).toBe('Enabled')
    await kms.aliases.create({ alias: 'orders', key: 'new' })
  })

  test("is not a key's own name: that is neither deleted nor made to name another key", async () => {
    const { kms } = await worldWithKeys()
    await expectCode(kms.aliases.delete({ alias: 'old' }), 'KEY_NOT_FOUND')
    await expectCode(kms.aliases.retarget({ alias: 'old', key: 'new' }), 'KEY_NOT_FOUND')
    expect((await kms.keys.get({ key: 'old' })).name).toBe('old')
  })

  test('stays with its usage: who signs by it never comes to encrypt by it', async () => {
    const { kms } = await worldWithKeys()
    await kms.keys.create({ name: 'signing', spec: 'ECC_NIST_EDWARDS25519' })
    await kms.aliases.create({ alias: 'orders', key: 'old' })
    await expectCode(kms.aliases.retarget({ alias: 'orders', key: 'signing' }), 'INVALID_KEY_USAGE')
    expect((await kms.keys.get({ key: 'orders' })).name).toBe('old')
  })

  test('C43 is given to keys that can be managed only, and can be taken from any', async () => {
    const { kms } = await worldWithKeys()
    await kms.aliases.create({ alias: 'orders', key: 'old' })
    await kms.keys.scheduleDeletion({ key: 'old' })
    await expectCode(kms.aliases.create({ alias: 'more', key: 'old' }), 'INVALID_KEY_STATE')
    await kms.aliases.retarget({ alias: 'orders', key: 'new' })
    await expectCode(kms.aliases.retarget({ alias: 'orders', key: 'old' }), 'INVALID_KEY_STATE')
    await kms.keys.revoke({ key: 'new', reason: 'leaked' })
    await kms.aliases.delete({ alias: 'orders' })
  })

  test('is on record, by whoever made, retargeted and deleted it', async () => {
    const world = await worldWithKeys()
    const { kms } = world
    const { id: from } = await kms.keys.get({ key: 'old' })
    const { id: to } = await kms.keys.get({ key: 'new' })
    const made = await recordOf(world, () => kms.aliases.create({ alias: 'orders', key: 'old' }))
    expect(made).toMatchObject({ action: 'createAlias', status: 'SUCCESS', keyId: from, details: { alias: 'orders' } })
    expect(made.change?.rows.map(({ table }) => table)).toEqual(['names', 'aliases'])
    const moved = await recordOf(world, () => kms.aliases.retarget({ alias: 'orders', key: 'new' }))
    expect(moved).toMatchObject({ action: 'updateAlias', keyId: to, details: { alias: 'orders', from } })
    const gone = await recordOf(world, () => kms.aliases.delete({ alias: 'orders' }))
    expect(gone).toMatchObject({ action: 'deleteAlias', keyId: to, details: { alias: 'orders' } })
    const failed = await recordOf(world, () => kms.aliases.delete({ alias: 'orders' }))
    expect(failed).toMatchObject({ action: 'deleteAlias', status: 'FAILURE', code: 'KEY_NOT_FOUND' })
  })

  test('D61 takes updateKey: on both keys to be retargeted, so that nobody draws the callers of others to a key of his', async () => {
    const { kms } = await worldWithKeys()
    await kms.aliases.create({ alias: 'orders', key: 'old' })
    await kms.grants.create({ principal: 'app', key: 'new', operations: ['updateKey', 'describeKey'] })
    const app = kms.as('app')
    await expectCode(app.aliases.retarget({ alias: 'orders', key: 'new' }), 'ACCESS_DENIED')
    await expectCode(app.aliases.delete({ alias: 'orders' }), 'ACCESS_DENIED')
    await expectCode(app.aliases.delete({ alias: 'none' }), 'ACCESS_DENIED')
    await expectCode(app.aliases.create({ alias: 'more', key: 'old' }), 'ACCESS_DENIED')
    await app.aliases.create({ alias: 'mine', key: 'new' })
    await expectCode(app.aliases.retarget({ alias: 'mine', key: 'old' }), 'ACCESS_DENIED')
    expect((await kms.keys.get({ key: 'orders' })).name).toBe('old')
  })

  test('C45 that is retargeted and deleted in the same instant is one of both', async () => {
    const { kms, again, db } = await worldWithKeys()
    const other = await again()
    await kms.aliases.create({ alias: 'orders', key: 'old' })
    const both = [kms.aliases.delete({ alias: 'orders' }), other.aliases.retarget({ alias: 'orders', key: 'new' })]
    const outcomes = await Promise.all(both.map(outcomeOf))
    expect(outcomes[0]).toBe('ok')
    expect(['ok', 'KEY_NOT_FOUND']).toContain(outcomes[1])
    expect(await db.rows('aliases')).toEqual([])
  })

  test('has at most 99 others on its key', async () => {
    const { kms } = await worldWithKeys()
    const names = Array.from({ length: 100 }, (_, at) => `alias-${at}`)
    await Promise.all(names.map(async (alias) => kms.aliases.create({ alias, key: 'old' })))
    await expectCode(kms.aliases.create({ alias: 'one-more', key: 'old' }), 'LIMIT_EXCEEDED')
    await kms.aliases.create({ alias: 'of-another', key: 'new' })
    await expectCode(kms.aliases.retarget({ alias: 'of-another', key: 'old' }), 'LIMIT_EXCEEDED')
    await kms.aliases.retarget({ alias: 'alias-0', key: 'old' })
  })
})

describe('the list of aliases', () => {
  test('is in the order of their names, in pages, of one key or of all', async () => {
    const { kms } = await worldWithKeys()
    for (const alias of ['c', 'a', 'b']) await kms.aliases.create({ alias, key: 'old' })
    await kms.aliases.create({ alias: 'aa', key: 'new' })
    const names = async (request: { key?: string; limit?: number }): Promise<string[]> => {
      const found: string[] = []
      for await (const { alias } of kms.aliases.list(request)) found.push(alias)
      return found
    }
    expect(await names({})).toEqual(['a', 'aa', 'b', 'c'])
    expect(await names({ key: 'old', limit: 2 })).toEqual(['a', 'b', 'c'])
    expect(await names({ key: 'b', limit: 1 })).toEqual(['a', 'b', 'c'])
    expect((await kms.aliases.list({ limit: 2 })).items.map(({ alias }) => alias)).toEqual(['a', 'aa'])
    await expectCode(kms.aliases.list({ cursor: 'AAAA' }), 'INVALID_REQUEST')
  })

  test('D64 shows a service those of a key that it may describe, an auditor all', async () => {
    const world = await worldWithKeys()
    const { kms } = world
    await kms.aliases.create({ alias: 'orders', key: 'old' })
    await kms.grants.create({ principal: 'app', key: 'old', operations: ['describeKey'] })
    expect((await kms.as('app').aliases.list({ key: 'old' })).items).toHaveLength(1)
    await expectCode(kms.as('app').aliases.list(), 'ACCESS_DENIED')
    await expectCode(kms.as('app').aliases.list({ key: 'new' }), 'ACCESS_DENIED')
    const auditor = kms.as({ id: 'anna', role: 'auditor' })
    const records = await recordsOf(world, async () => auditor.aliases.list())
    expect(records.map(({ action, status }) => [action, status])).toEqual([['listAliases', 'SUCCESS']])
  })
})

test('E97 an alias and the name that resolves it, stored so that they disagree, are noticed', async () => {
  const { kms, db, again } = await worldWithKeys()
  await kms.aliases.create({ alias: 'orders', key: 'old' })
  const { id } = await kms.keys.get({ key: 'new' })
  await db.plant('aliases', () => true, { keyId: id })
  const other = await again()
  await expectCode(other.aliases.delete({ alias: 'orders' }), 'STORAGE_TAMPERED')
})
