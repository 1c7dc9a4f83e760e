import { describe, expect, test } from 'vitest'
import type { HouseFactory } from './house.ts'

/** What clients do to have a change done once. */
export function describeIdempotency(newHouse: HouseFactory): void {
  describe('Changes under a name of the caller', () => {
    test('H115 are done once, and answered each time by what their subject is', async () => {
      const { admin } = await newHouse()
      const request = { name: 'orders', spec: 'AES_256' } as const
      const [one, two] = await Promise.all(
        [1, 2].map(async () => admin.keys.create(request, { idempotencyKey: 'k-1' })),
      )
      expect(two?.id).toBe(one?.id)
      const first = await admin.keys.rotate({ key: 'orders' }, { idempotencyKey: 'k-2' })
      const again = await admin.keys.rotate({ key: 'orders' }, { idempotencyKey: 'k-2' })
      expect([first.currentVersion, again.currentVersion]).toEqual([2, 2])
      expect((await admin.keys.rotate({ key: 'orders' }, { idempotencyKey: 'k-3' })).currentVersion).toBe(3)
      expect((await admin.keys.rotate({ key: 'orders' }, { idempotencyKey: 'k-2' })).currentVersion).toBe(3)
      const { items } = await admin.audit.list({ action: 'rotateKey' })
      expect(items.map(({ details }) => details?.['repeats'])).toEqual([
        undefined,
        items[0]?.seq,
        undefined,
        items[0]?.seq,
      ])
      expect(await admin.audit.verify()).toMatchObject({ ok: true })
    })

    test('another request under the same name is a conflict, another principal has names of its own', async () => {
      const { admin, as } = await newHouse()
      const other = as({ id: 'other', role: 'admin' })
      await admin.keys.create({ name: 'a', spec: 'AES_256' }, { idempotencyKey: 'k' })
      await expect(admin.keys.create({ name: 'b', spec: 'AES_256' }, { idempotencyKey: 'k' })).rejects.toMatchObject({
        code: 'CONFLICT',
      })
      await expect(admin.keys.disable({ key: 'a' }, { idempotencyKey: 'k' })).rejects.toMatchObject({
        code: 'CONFLICT',
      })
      expect(await other.keys.disable({ key: 'a' }, { idempotencyKey: 'k' })).toMatchObject({ state: 'Disabled' })
    })

    test('what failed was not done, and may be asked again', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'a', spec: 'AES_256' })
      await expect(admin.keys.enable({ key: 'a' }, { idempotencyKey: 'k' })).rejects.toMatchObject({
        code: 'INVALID_KEY_STATE',
      })
      await admin.keys.disable({ key: 'a' })
      expect(await admin.keys.enable({ key: 'a' }, { idempotencyKey: 'k' })).toMatchObject({ state: 'Enabled' })
    })

    test('grants, aliases, data keys and people', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'a', spec: 'AES_256' })
      const grant = { principal: 'billing', key: 'a', operations: ['encrypt'] } as const
      const twice = async <T>(work: () => Promise<T>): Promise<void> => expect(await work()).toEqual(await work())
      await twice(async () => admin.grants.create(grant, { idempotencyKey: 'g' }))
      expect((await admin.grants.list({ key: 'a' })).items).toHaveLength(1)
      await twice(async () => admin.aliases.create({ alias: 'x', key: 'a' }, { idempotencyKey: 'al' }))
      await twice(async () => admin.dataKeys.generate({ key: 'a', reference: 'd' }, { idempotencyKey: 'd' }))
      await twice(async () => admin.principals.deactivate({ principal: 'billing' }, { idempotencyKey: 'p' }))
      const [made] = (await admin.grants.list({ key: 'a' })).items
      await admin.grants.revoke({ grant: made?.id ?? '' }, { idempotencyKey: 'r' })
      const again = admin.grants.revoke({ grant: made?.id ?? '' }, { idempotencyKey: 'r' })
      await expect(again).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('was done') as string,
      })
    })

    test('defaults and quotas', async () => {
      const { admin } = await newHouse()
      const twice = async <T>(work: () => Promise<T>): Promise<void> => expect(await work()).toEqual(await work())
      await twice(async () => admin.keys.updateDefaults({ gracePeriodDays: 9 }, { idempotencyKey: 'de' }))
      const quota = { operation: 'createKey', per: 'tenant', limit: 5, windowSeconds: 60 } as const
      await twice(async () => admin.quotas.set(quota, { idempotencyKey: 'se' }))
      await admin.quotas.remove({ operation: 'createKey' }, { idempotencyKey: 're' })
      const again = admin.quotas.remove({ operation: 'createKey' }, { idempotencyKey: 're' })
      await expect(again).rejects.toMatchObject({
        code: 'CONFLICT',
        message: expect.stringContaining('was done') as string,
      })
      expect(await admin.audit.verify()).toMatchObject({ ok: true })
    })

    test('who may no longer do it gets no answer either', async () => {
      const { admin, as } = await newHouse()
      await admin.keys.create({ name: 'a', spec: 'AES_256' })
      const grant = await admin.grants.create({ principal: 'ops', key: 'a', operations: ['rotateKey'] })
      const ops = as('ops')
      await ops.keys.rotate({ key: 'a' }, { idempotencyKey: 'k' })
      await admin.grants.revoke({ grant: grant.id })
      await expect(ops.keys.rotate({ key: 'a' }, { idempotencyKey: 'k' })).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
      })
    })

    test('a read or a use takes none, nor does a change whose answer cannot be made again; a name has a shape', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'a', spec: 'AES_256' })
      const refused = { code: 'INVALID_REQUEST' }
      await expect(admin.keys.get({ key: 'a' }, { idempotencyKey: 'k' })).rejects.toMatchObject(refused)
      await expect(admin.encrypt({ key: 'a', plaintext: '' }, { idempotencyKey: 'k' })).rejects.toMatchObject(refused)
      await admin.keys.create({ name: 'external', spec: 'AES_256', origin: 'EXTERNAL' })
      await expect(admin.audit.rotateKey({}, { idempotencyKey: 'k' })).rejects.toMatchObject(refused)
      const asked = { key: 'external', wrappingAlgorithm: 'RSAES_OAEP_SHA_256' } as const
      await expect(admin.keys.getParametersForImport(asked, { idempotencyKey: 'k' })).rejects.toMatchObject(refused)
      for (const idempotencyKey of ['', 'a b', 'ä', 'x'.repeat(129)]) {
        await expect(admin.keys.rotate({ key: 'a' }, { idempotencyKey })).rejects.toMatchObject(refused)
      }
    })
  })
}
