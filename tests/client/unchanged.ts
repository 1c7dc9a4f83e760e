import { keyTag, type KmsClient } from '@chatelaine/core'
import { describe, expect, test } from 'vitest'
import type { HouseFactory } from './house.ts'

const failed = { code: 'PRECONDITION_FAILED', retryable: false }

async function tagOf(client: KmsClient): Promise<string> {
  return keyTag(await client.keys.get({ key: 'orders' }))
}

/** What clients do to change a key only while it is what they read. */
export function describeUnchanged(newHouse: HouseFactory): void {
  describe('Changes of a key that was read', () => {
    test('are done while it is the same, and not when somebody was faster', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const ifMatch = await tagOf(admin)
      expect(await tagOf(admin)).toBe(ifMatch)
      const changed = await admin.keys.update({ key: 'orders', description: 'one' }, { ifMatch })
      await expect(admin.keys.update({ key: 'orders', description: 'two' }, { ifMatch })).rejects.toMatchObject(failed)
      expect(await admin.keys.get({ key: 'orders' })).toEqual(changed)
      const { items } = await admin.audit.list({ action: 'updateKey' })
      expect(items.map(({ status, code }) => [status, code])).toEqual([
        ['SUCCESS', undefined],
        ['FAILURE', 'PRECONDITION_FAILED'],
      ])
      await admin.key('orders').rotate({ ifMatch: keyTag(changed) })
      await expect(admin.key('orders').rotate({ ifMatch: keyTag(changed) })).rejects.toMatchObject(failed)
      await expect(admin.keys.trim({ key: 'orders' }, { ifMatch })).rejects.toMatchObject(failed)
      expect(await admin.audit.verify()).toMatchObject({ ok: true })
    })

    test('asked for at once, one of them is done', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const ifMatch = await tagOf(admin)
      const all = await Promise.allSettled(
        Array.from({ length: 8 }, async () => admin.keys.rotate({ key: 'orders' }, { ifMatch })),
      )
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect((await admin.keys.get({ key: 'orders' })).currentVersion).toBe(2)
    })

    test('are judged by who asks first: whoever may not change it learns nothing of it', async () => {
      const { admin, as } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const right = await tagOf(admin)
      for (const ifMatch of [right, 'x'.repeat(22)]) {
        const asked = as('stranger').keys.rotate({ key: 'orders' }, { ifMatch })
        await expect(asked).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
      }
    })

    test('under a name are not judged again by what they made of it', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const options = { ifMatch: await tagOf(admin), idempotencyKey: 'k' }
      const first = await admin.keys.rotate({ key: 'orders' }, options)
      expect(await admin.keys.rotate({ key: 'orders' }, options)).toEqual(first)
    })

    test('nothing else takes an ifMatch, and what is none is refused', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const ifMatch = await tagOf(admin)
      const calls = [
        admin.keys.get({ key: 'orders' }, { ifMatch }),
        admin.keys.create({ spec: 'AES_256' }, { ifMatch }),
        admin.encrypt({ key: 'orders', plaintext: '' }, { ifMatch }),
        admin.grants.create({ principal: 'a', key: 'orders', operations: ['encrypt'] }, { ifMatch }),
        admin.keys.rotate({ key: 'orders' }, { ifMatch: '*' }),
        admin.keys.rotate({ key: 'orders' }, { ifMatch: `"${ifMatch}"` }),
      ]
      for (const call of await Promise.allSettled(calls)) {
        expect(call).toMatchObject({ status: 'rejected', reason: { code: 'INVALID_REQUEST' } })
      }
    })
  })
}
