import { describe, expect, test } from 'vitest'
import { expectCode, makeWorld, recordsOf, type World } from '../support/kms.ts'

async function world(): Promise<World> {
  const made = await makeWorld()
  await made.kms.keys.create({ name: 'a', spec: 'AES_256' })
  return made
}

describe('many at once', () => {
  test('that one grant covers under any context are recorded each with its own', async () => {
    const made = await world()
    await made.kms.grants.create({ principal: 'app', key: 'a', operations: ['encrypt'] })
    const digestOf = async (...rows: readonly string[]): Promise<unknown> => {
      const items = rows.map((row) => ({ key: 'a', plaintext: '1', context: { row } }))
      const [record] = await recordsOf(made, () => made.kms.as('app').encryptMany({ items }))
      expect(record).toMatchObject({ status: 'SUCCESS', counts: { ok: rows.length, failed: 0 } })
      return record?.digest
    }
    const digests = [await digestOf('1', '1', '2'), await digestOf('1', '2', '2'), await digestOf('1', '1', '1')]
    expect(new Set(digests).size).toBe(3)
    expect(await digestOf('1', '1', '2')).toBe(digests[0])
  })

  test('are not granted by what was granted under another context, in whatever order', async () => {
    const { kms } = await world()
    const app = kms.as('app')
    await kms.grants.create({
      principal: 'app',
      key: 'a',
      operations: ['encrypt'],
      constraints: { contextSubset: { t: 'x' } },
    })
    await kms.grants.create({ principal: 'app', key: '*', operations: ['decrypt'] })
    const tables = ['x', 'y', 'x', 'x', 'y']
    const { items } = await app.encryptMany({
      items: tables.map((t) => ({ key: 'a', plaintext: '1', context: { t } })),
    })
    expect(items.map(({ ok }) => ok)).toEqual(tables.map((t) => t === 'x'))
  })

  test('are not granted by a grant under any context that has expired', async () => {
    const { kms, clock } = await world()
    const app = kms.as('app')
    const grant = { principal: 'app', key: 'a', operations: ['encrypt'] as const }
    await kms.grants.create({ ...grant, expiresAt: new Date(clock.now() + 1) })
    await kms.grants.create({ ...grant, constraints: { contextSubset: { t: 'x' } } })
    clock.advance(1)
    const itemsOf = (t: string) => ({ key: 'a', plaintext: '1', context: { t } })
    const { items } = await app.encryptMany({ items: ['x', 'y', 'x'].map(itemsOf) })
    expect(items.map(({ ok }) => ok)).toEqual([true, false, true])
    await app.encrypt(itemsOf('x'))
    await expectCode(app.encrypt(itemsOf('y')), 'ACCESS_DENIED')
  })

  test('are sealed each under its own salt', async () => {
    const { kms } = await world()
    const items = Array.from({ length: 300 }, (_, at) => ({
      key: 'a',
      plaintext: '1',
      ...(at % 3 === 0 ? { envelope: 'wrapped' as const } : {}),
    }))
    const sealed = await kms.encryptMany({ items })
    const salts = sealed.items.flatMap((item) => {
      if (!item.ok) return []
      const at = [24, ...(item.ciphertext[3] === 2 ? [128] : [])]
      return at.map((from) => item.ciphertext.toString('hex', from, from + 24))
    })
    expect(salts).toHaveLength(400)
    expect(new Set(salts).size).toBe(400)
  })
})
