import { describe, expect, test } from 'vitest'
import type { StorageReader } from '../../src/storage/adapter.ts'
import type { Row } from '../../src/storage/table.ts'
import { tables } from '../../src/storage/tables.ts'
import { codeOf, rootKey as old } from '../support/audit-world.ts'
import { epochsOf, expected, fresh, house, nameOf, readAll } from '../support/epochs.ts'
import { material } from '../support/imports.ts'
import { importOf, parameters } from '../support/wrapped-material.ts'

describe('moving all material to a new keyring epoch, where something is in the way,', () => {
  test('keeps the epoch before as long as an import token that it sealed may come back', async () => {
    const { world, kms } = await house()
    const key = await kms.keys.create({ name: 'given', spec: 'AES_256', origin: 'EXTERNAL' } as never)
    expect(key).toBeDefined()
    const first = await kms.rootKey.rewrap({ newEpoch: true })
    expect(first).toMatchObject({ moved: 13, retired: [] })
    expect(first.retireDueAt?.getTime()).toBe(world.clock.now() + 86_400_000)
    expect((await kms.rootKey.status()).rewrap).toBe('unfinished')
    world.clock.advance(86_400_000)
    expect(await kms.rootKey.rewrap()).toEqual({ dryRun: false, epoch: 2, began: false, moved: 0, retired: [1] })
  })

  test('stops at material that does not open, and leaves it as it is', async () => {
    const { world, kms } = await house()
    await kms.rootKey.rewrap({ newEpoch: true, dryRun: true })
    const row = (await world.shelf.rows('versions'))[4] as Row
    const broken = Buffer.from(row['material'] as Uint8Array)
    broken[broken.length - 1]! ^= 1
    await world.shelf.edit('versions', ['default', row['keyId'] as string, row['version'] as number], (was) => ({
      ...was,
      material: broken,
    }))
    expect(await codeOf(kms.rootKey.rewrap({ newEpoch: true }))).toBe('STORAGE_TAMPERED')
    expect(await epochsOf(world, 'keyring')).toEqual([1, 2])
  })

  test('needs every root key that opens the newest epoch', async () => {
    const { world, kms } = await house()
    const next = fresh()
    await kms.rootKey.rotate({ to: next })
    const without = await world.open({ rootKey: next })
    expect(await codeOf(without.rootKey.rewrap({ newEpoch: true }))).toBe('INVALID_REQUEST')
    await without.rootKey.rotate({ retire: true })
    expect(await without.rootKey.rewrap()).toMatchObject({ began: true, retired: [1] })
  })

  test('tells which epoch and root key each thing hangs on', async () => {
    const { world, kms } = await house()
    const next = fresh()
    const [from, to] = [await nameOf(old), await nameOf(next)]
    await kms.rootKey.rotate({ to: next })
    expect(await kms.rootKey.status()).toEqual({
      rootKey: to,
      rewrap: 'needed',
      epochs: [
        {
          epoch: 1,
          beganAt: new Date(world.clock.now()),
          madeUnder: from,
          wrappedBy: [
            { rootKey: to, isConfigured: true },
            { rootKey: from, isConfigured: true },
          ],
          rows: { versions: 9, imports: 0, secrets: 3 },
        },
      ],
    })
    await kms.rootKey.rewrap()
    expect(await kms.rootKey.status()).toMatchObject({ rewrap: 'done', epochs: [{ epoch: 2, madeUnder: to }] })
  })

  test.each<[string, unknown]>([
    ['an empty batch', { batch: 0 }],
    ['too large a batch', { batch: 101 }],
    ['half a row', { batch: 1.5 }],
    ['no rate', { ratePerSecond: 0 }],
    ['a rate that is no number', { ratePerSecond: NaN }],
    ['somebody who does not listen', { onProgress: 'x' }],
    ['no object', 7],
  ])('is asked for properly: %s is refused', async (_, options) => {
    const { kms } = await house()
    expect(await codeOf(kms.rootKey.rewrap(options as never))).toBe('INVALID_REQUEST')
  })
})

describe('F97 an epoch that something hangs on which somebody hides', () => {
  const keyOf = (table: string, row: Row): (string | number)[] =>
    (tables.find(({ name }) => name === table)?.primaryKey ?? []).map((column) => row[column] as string)
  const given = { name: 'given', spec: 'AES_256', origin: 'EXTERNAL' } as const

  test.each([
    ['versions', 4],
    ['imports', 0],
  ])('stays while a row of %s is gone, so that the row is as good as ever when it is back', async (table, at) => {
    const { world, kms, ciphertexts } = await house()
    await kms.keys.create(given)
    await kms.keys.importKeyMaterial(importOf('given', material, await parameters(kms, 'given')))
    const row = (await world.shelf.rows(table))[at] as Row
    const key = keyOf(table, row)
    await world.shelf.tamper(async (tx) => tx.remove(table, key))
    const told = {
      code: 'STORAGE_TAMPERED',
      message: expect.stringContaining(`${table} ${JSON.stringify(key.slice(1))}`),
    }
    await expect(kms.rootKey.rewrap({ newEpoch: true })).rejects.toMatchObject(told)
    expect(await epochsOf(world, 'keyring')).toEqual([1, 2])
    expect((await kms.ops.health()).status).toBe('red')
    await world.shelf.tamper(async (tx) => tx.insert(table, row))
    world.clock.advance(86_400_000)
    expect(await kms.rootKey.rewrap()).toMatchObject({ moved: 1, retired: [1] })
    expect(await readAll(await world.open(), ciphertexts)).toEqual(expected)
  })

  test('stays while a row says that it was moved, and was not', async () => {
    const { world, kms, ciphertexts } = await house()
    const row = (await world.shelf.rows('versions'))[4] as Row
    const key = keyOf('versions', row)
    await world.shelf.edit('versions', key, (was) => ({ ...was, epoch: 2 }))
    expect(await codeOf(kms.rootKey.rewrap({ newEpoch: true }))).toBe('STORAGE_TAMPERED')
    expect(await epochsOf(world, 'keyring')).toEqual([1, 2])
    await world.shelf.edit('versions', key, () => row)
    expect(await kms.rootKey.rewrap()).toMatchObject({ moved: 1, retired: [1] })
    expect(await readAll(await world.open(), ciphertexts)).toEqual(expected)
  })

  test('stays while somebody hides the key that an import token was sealed for', async () => {
    const { world, kms } = await house()
    const { id } = await (await kms.keys.create(given)).describe()
    await world.shelf.tamper(async (tx) => tx.remove('keys', ['default', id]))
    expect(await codeOf(kms.rootKey.rewrap({ newEpoch: true }))).toBe('STORAGE_TAMPERED')
    expect(await epochsOf(world, 'keyring')).toEqual([1, 2])
  })

  test('is left by a row in whose place another is shown', async () => {
    const { world, kms, ciphertexts } = await house()
    const [shown, hidden] = (await world.shelf.rows('versions')) as [Row, Row]
    const isHidden = (row: Row): boolean => row['keyId'] === hidden['keyId'] && row['version'] === hidden['version']
    const reader = (inner: StorageReader): StorageReader => ({
      get: async (table, key) => {
        const row = await inner.get(table, key)
        return table === 'versions' && row !== undefined && isHidden(row) ? shown : row
      },
      range: async (table, range) => {
        const found = await inner.range(table, range)
        return table === 'versions' ? found.filter((row) => !isHidden(row)) : found
      },
    })
    const misled = await world.open({ between: { reader } })
    expect(await misled.rootKey.rewrap({ newEpoch: true })).toMatchObject({ moved: 12, retired: [1] })
    expect(await epochsOf(world, 'versions')).toEqual([2])
    expect(await readAll(kms, ciphertexts)).toEqual(expected)
  })

  test('is left by rows that pages of their tables do not show, too', async () => {
    const { world, kms, ciphertexts } = await house()
    const reader = (inner: StorageReader): StorageReader => ({
      get: async (table, key) => inner.get(table, key),
      range: async (table, range) => {
        const rows = await inner.range(table, range)
        return table === 'versions' && range.limit === 1000 ? rows.filter(({ version }) => version !== 2) : rows
      },
    })
    const misled = await world.open({ between: { reader } })
    expect(await misled.rootKey.rewrap({ newEpoch: true })).toMatchObject({ moved: 12, retired: [1] })
    expect(await readAll(kms, ciphertexts)).toEqual(expected)
  })
})

describe('an epoch that nobody began', () => {
  test('has no effect where somebody can wrap with the root key, and open nothing', async () => {
    const { world, kms } = await house()
    await kms.rootKey.rewrap({ newEpoch: true })
    const mine = await old.wrap(Buffer.alloc(32, 'mine'), { tenant: 'default', epoch: 3, purpose: 'keyring' })
    await world.shelf.tamper(async (tx) => {
      const [row] = await tx.range('keyring', { prefix: ['default'], order: 'desc', limit: 1 })
      await tx.insert('keyring', { ...(row as Row), epoch: 3, wrapped: mine })
      const [said] = await tx.range('keyring_epochs', { prefix: ['default'], order: 'desc', limit: 1 })
      await tx.insert('keyring_epochs', { ...(said as Row), epoch: 3 })
      const [head] = await tx.range('heads', { prefix: ['default'], order: 'desc', limit: 1 })
      await tx.insert('heads', { ...(head as Row), size: ((head as Row)['size'] as number) + 1, epoch: 3 })
    })
    expect(await codeOf(kms.key('orders').encrypt('x'))).toBe('STORAGE_TAMPERED')
    expect(await codeOf(world.open())).toBe('STORAGE_TAMPERED')
  })
})
