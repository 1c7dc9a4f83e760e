import { describe, expect, test } from 'vitest'
import type { HouseFactory } from './house.ts'

/** What clients do with the lives of keys, and with who may use them. */
export function describeKeysAndAccess(newHouse: HouseFactory): void {
  describe('Keys and access', () => {
    test('the life of a key', async () => {
      const { admin } = await newHouse()
      const key = await admin.keys.ensure({ name: 'a/b.c-d_e', spec: 'AES_256', tags: { team: 'ä' }, description: 'x' })
      expect((await admin.keys.ensure({ name: 'a/b.c-d_e', spec: 'AES_256' })).id).toBe(key.id)
      const found = await admin.keys.get({ key: 'a/b.c-d_e' })
      expect(found).toMatchObject({
        id: key.id,
        tags: { team: 'ä' },
        description: 'x',
        state: 'Enabled',
      })
      expect(found.owner).toBeUndefined()
      expect(found.createdAt).toBeInstanceOf(Date)
      expect(await key.describe()).toEqual(found)
      const validUntil = new Date(Date.now() + 86_400_000)
      expect(await admin.keys.update({ key: key.id ?? '', owner: 'me', validUntil, gracePeriodDays: 3 })).toMatchObject(
        { owner: 'me', validUntil },
      )
      expect(await admin.keys.update({ key: 'a/b.c-d_e', owner: null, validUntil: null })).not.toHaveProperty(
        'owner',
        'me',
      )
      expect(await admin.keys.rotate({ key: 'a/b.c-d_e' })).toMatchObject({ currentVersion: 2 })
      expect((await admin.keys.listVersions({ key: 'a/b.c-d_e' })).items).toMatchObject([
        { version: 1, state: 'retired' },
        { version: 2, state: 'current' },
      ])
      expect(await admin.keys.disable({ key: 'a/b.c-d_e', reason: 'a pause' })).toMatchObject({
        state: 'Disabled',
        stateReason: 'a pause',
      })
      expect(await admin.keys.enable({ key: 'a/b.c-d_e' })).toMatchObject({ state: 'Enabled' })
      const scheduled = await admin.keys.scheduleDeletion({ key: 'a/b.c-d_e', pendingWindowInDays: 7 })
      expect(scheduled.deletionDueAt).toBeInstanceOf(Date)
      expect(await admin.keys.cancelDeletion({ key: 'a/b.c-d_e' })).toMatchObject({ state: 'Disabled' })
      expect(await admin.keys.revoke({ key: 'a/b.c-d_e', reason: 'lost' })).toMatchObject({ state: 'Revoked' })
      expect(await admin.keys.trim({ key: 'a/b.c-d_e' }).catch((error: unknown) => error)).toMatchObject({
        code: 'INVALID_KEY_STATE',
      })
    })

    test('aliases and defaults', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'one', spec: 'AES_256' })
      const { id } = await admin.keys.create({ name: 'two', spec: 'AES_256' })
      expect(await admin.aliases.create({ alias: 'x', key: 'one' })).toMatchObject({ alias: 'x' })
      expect(await admin.aliases.retarget({ alias: 'x', key: 'two' })).toMatchObject({ keyId: id })
      expect((await admin.aliases.list()).items).toMatchObject([{ alias: 'x', keyId: id }])
      expect(await admin.aliases.delete({ alias: 'x' })).toMatchObject({ alias: 'x' })
      expect(await admin.keys.updateDefaults({ gracePeriodDays: 5 })).toMatchObject({ gracePeriodDays: 5 })
      expect(await admin.keys.getDefaults()).toMatchObject({ gracePeriodDays: 5 })
    })

    test('lists come page by page, and whole', async () => {
      const { admin } = await newHouse()
      const names = ['a', 'b', 'c', 'd', 'e']
      for (const name of names) await admin.keys.create({ name, spec: 'AES_256' })
      const page = await admin.keys.list({ limit: 2 })
      expect(page.items).toHaveLength(2)
      expect(typeof page.cursor).toBe('string')
      const all = new Set<unknown>()
      for await (const { name } of admin.keys.list({ limit: 2 })) all.add(name)
      expect(all).toEqual(new Set(names))
    })

    test('grants let a service in, and keep it out', async () => {
      const { admin, as } = await newHouse()
      const billing = as('billing')
      const key = await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const context = { table: 'orders' }
      const stored = await key.encryptText('x', { context })
      const denied = { code: 'ACCESS_DENIED', message: 'this principal may not do this', retryable: false }
      await expect(billing.decryptText({ ciphertext: stored, context })).rejects.toMatchObject(denied)
      const expiresAt = new Date(Date.now() + 3_600_000)
      const grant = await admin.grants.ensure({
        name: 'billing-reads',
        principal: 'billing',
        key: 'orders',
        operations: ['decrypt'],
        constraints: { contextSubset: { table: 'orders' } },
        expiresAt,
      })
      expect(grant).toMatchObject({ expiresAt, keyId: key.id, constraints: { contextSubset: { table: 'orders' } } })
      expect(await billing.decryptText({ ciphertext: stored, context })).toBe('x')
      await expect(billing.encrypt({ key: 'orders', plaintext: 'y', context })).rejects.toMatchObject(denied)
      await expect(billing.encrypt({ key: 'nothing', plaintext: 'y', context })).rejects.toMatchObject(denied)
      expect((await admin.grants.list({ key: 'orders' })).items).toEqual([grant])
      await admin.principals.deactivate({ principal: 'billing', reason: 'gone' })
      await expect(billing.decryptText({ ciphertext: stored, context })).rejects.toMatchObject(denied)
      expect(await admin.principals.activate({ principal: 'billing' })).toMatchObject({ id: 'billing', active: true })
      expect(await admin.grants.revoke({ grant: 'billing-reads' })).toMatchObject({ id: grant.id })
      await expect(billing.decryptText({ ciphertext: stored, context })).rejects.toMatchObject(denied)
      const made = await admin.grants.create({ principal: 'billing', key: '*', operations: ['createKey'] })
      expect(await admin.grants.upsert({ principal: 'billing', key: '*', operations: ['listKeys'] })).toMatchObject({
        keyId: '*',
      })
      expect(made.name).toBeUndefined()
    })

    test('an auditor reads, and does nothing else', async () => {
      const { admin, as } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const auditor = as({ id: 'eve', role: 'auditor' })
      expect((await auditor.keys.list()).items).toHaveLength(1)
      expect((await auditor.audit.list({ action: 'createKey' })).items).toMatchObject([{ actor: 'boss' }])
      await expect(auditor.encrypt({ key: 'orders', plaintext: 'x' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
      await expect(auditor.keys.disable({ key: 'orders' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    })
  })
}
