import { describe, expect, test } from 'vitest'
import { inspectKms } from '../../src/index.ts'
import { tables } from '../../src/storage/tables.ts'
import { codeOf, rootKey, until, watch, World } from '../support/audit-world.ts'

describe('opening a storage that lacks something', () => {
  const made = async (): Promise<World> => {
    const world = new World()
    const kms = await world.open()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.grants.create({ principal: 'p', key: 'orders', operations: ['encrypt'] })
    return world
  }
  const without = async (world: World, ...gone: string[]): Promise<void> => {
    for (const name of gone) {
      const { primaryKey } = tables.find((table) => table.name === name)!
      const rows = await world.shelf.rows(name)
      await world.shelf.tamper(async (tx) => {
        for (const row of rows)
          await tx.remove(
            name,
            primaryKey.map((column) => row[column]!),
          )
      })
    }
  }

  test('its keyring: STORAGE_TAMPERED, never a fresh start', async () => {
    const world = await made()
    await without(world, 'keyring')
    expect(await codeOf(world.open())).toBe('STORAGE_TAMPERED')
    expect(await world.shelf.rows('keyring')).toEqual([])
    for (const left of ['heads', 'records', 'keys', 'secrets', 'grants']) {
      const other = await made()
      await without(other, ...tables.map(({ name }) => name).filter((name) => name !== left))
      await expect(other.open()).rejects.toThrow(`the tenant has rows in ${left} but no keyring`)
    }
  })

  test.each(['versions', 'names', 'principals', 'checkpoints', 'locks'])(
    'all but its %s: STORAGE_TAMPERED too',
    async (left) => {
      const world = await made()
      const kms = await world.open()
      await kms.principals.deactivate({ principal: 'p' })
      await without(world, ...tables.map(({ name }) => name).filter((name) => name !== left))
      const opening = watch(world.open())
      await until(() => {
        world.clock.advance(100)
        return opening.state !== 'pending'
      })
      expect(opening.error).toMatchObject({ code: 'STORAGE_TAMPERED' })
    },
  )

  test.each(['audit-signing', 'audit-pii', 'name-index'])('the secret %s', async (purpose) => {
    const world = await made()
    await world.shelf.tamper(async (tx) => tx.remove('secrets', ['default', purpose, 1]))
    await expect(world.open()).rejects.toThrow(`the secret ${purpose} is missing`)
    expect(await codeOf(world.open())).toBe('STORAGE_TAMPERED')
  })

  test('a secret that was put in the place of another', async () => {
    const world = await made()
    const pii = (await world.shelf.rows('secrets')).find((row) => row['purpose'] === 'audit-pii')!
    await world.shelf.edit('secrets', ['default', 'audit-signing', 1], (row) => ({
      ...row,
      id: pii['id']!,
      material: pii['material']!,
    }))
    expect(await codeOf(world.open())).toBe('STORAGE_TAMPERED')
  })

  test('is still looked at by inspectKms, which writes nothing', async () => {
    const world = await made()
    await without(world, 'keyring', 'secrets')
    const before = await Promise.all(tables.map(async ({ name }) => world.shelf.rows(name)))
    let writes = 0
    const storage = world.shelf.adapter({
      transact: async () => {
        writes += 1
        throw new Error('it writes')
      },
    })
    const look = await inspectKms({ storage, rootKey })
    expect(look.problems.map(({ code }) => code)).toContain('STORAGE_TAMPERED')
    expect(await look.audit.verify()).toMatchObject({ ok: false })
    expect((await look.audit.list()).items).toHaveLength(3)
    expect((await look.keys.get({ key: 'orders' })).name).toBe('orders')
    expect((await look.keys.list()).items).toHaveLength(1)
    expect((await look.grants.list()).items).toHaveLength(1)
    await look.close()
    expect(writes).toBe(0)
    expect(await Promise.all(tables.map(async ({ name }) => world.shelf.rows(name)))).toEqual(before)
  })
})
