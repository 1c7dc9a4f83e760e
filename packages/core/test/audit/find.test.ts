import { describe, expect, test } from 'vitest'
import { createKms, type Kms } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf, rootKey } from '../support/audit-world.ts'

const clock = fakeClock()
const open = async (shelf: Shelf, shownContextKeys?: readonly string[]): Promise<Kms> =>
  createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, shownContextKeys })

async function filled(kms: Kms): Promise<void> {
  await kms.keys.ensure({ name: 'k', spec: 'AES_256' })
  for (const customer of ['1', '2', '"quoted"']) {
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x', context: { table: 'customers', customer } })
    await kms.decrypt({ ciphertext, context: { table: 'customers', customer } })
  }
  await kms.encrypt({ key: 'k', plaintext: 'x', context: { table: 'orders' } })
}

describe('audit.find', () => {
  test('finds the records that name all pairs of a context, and no others', async () => {
    const kms = await open(new Shelf())
    await filled(kms)
    const find = async (context: Record<string, string>) =>
      (await kms.audit.find({ context })).items.map(({ seq }) => seq)
    expect(await find({ customer: '1' })).toEqual([2, 3])
    expect(await find({ table: 'customers', customer: '"quoted"' })).toEqual([6, 7])
    expect(await find({ table: 'customers' })).toEqual([2, 3, 4, 5, 6, 7])
    expect(await find({ table: 'orders', customer: '1' })).toEqual([])
    const { items } = await kms.audit.find({
      context: { table: 'customers' },
      action: 'decrypt',
      order: 'desc',
      limit: 2,
    })
    expect(items.map(({ seq }) => seq)).toEqual([7, 5])
    expect(JSON.stringify(items)).not.toContain('customers')
    await kms.close()
  })

  test('finds pairs that are shown, and those of before they were', async () => {
    const shelf = new Shelf()
    const before = await open(shelf)
    await filled(before)
    await before.close()
    const kms = await open(shelf, ['table'])
    const long = 'x'.repeat(128)
    await filled(kms)
    await kms.encrypt({ key: 'k', plaintext: 'x', context: { table: long } })
    const { items } = await kms.audit.find({ context: { table: 'orders' } })
    expect(items).toHaveLength(2)
    expect(items.map(({ context }) => context)).toEqual([[expect.stringMatching(/^[0-9a-f]{32}$/)], ['table=orders']])
    const [hashed] = (await kms.audit.find({ context: { table: long } })).items
    expect(hashed?.context).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)])
    const [shown] = (await kms.audit.find({ context: { customer: '1' }, order: 'desc' })).items
    expect(shown?.context).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), 'table=customers'])
    await kms.close()
  })

  test.each([[{ context: {} }], [{}], [{ context: { a: 1 } }], [{ context: 'a' }]])(
    'takes no request like %j',
    async (request) => {
      const kms = await open(new Shelf())
      expect(await codeOf((async () => kms.audit.find(request as never))())).toBe('INVALID_REQUEST')
      await kms.close()
    },
  )
})
