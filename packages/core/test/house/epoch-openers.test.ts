import { expect, test } from 'vitest'
import { RootKeyUnavailableError, type RootKey } from '../../src/index.ts'
import { keyOf } from '../../src/state/tree/place.ts'
import type { Row } from '../../src/storage/table.ts'
import type { Between } from '../support/audit-storage.ts'
import { codeOf, rootKey as old, type World } from '../support/audit-world.ts'
import { epochsOf, fresh, house, nameOf } from '../support/epochs.ts'

/** Of which epochs there are wrappings by a root key. */
const wrappedBy = async (world: World, rootKey: RootKey): Promise<unknown[]> => {
  const id = await nameOf(rootKey)
  const rows = await Promise.all(['keyring', 'keyring_wraps'].map(async (table) => world.shelf.rows(table)))
  return rows.flat().flatMap(({ provider, epoch }) => (provider === id ? [epoch] : []))
}

/** A root key that lets something happen when it wraps the key of an epoch. */
const wrapping = (rootKey: RootKey, epoch: number, meanwhile: () => Promise<unknown>): RootKey => {
  let isDone = false
  return {
    describe: async () => rootKey.describe(),
    wrap: async (key, context) => {
      if (context.epoch === epoch && !isDone) {
        isDone = true
        await meanwhile()
      }
      return rootKey.wrap(key, context)
    },
    unwrap: async (wrapped, context) => rootKey.unwrap(wrapped, context),
  }
}

test('a root key that is retired while an epoch begins does not open it', async () => {
  const { world, kms } = await house()
  const next = fresh()
  await kms.rootKey.rotate({ to: next })
  const other = await world.open({ rootKey: next, previousRootKeys: [old] })
  const slow = wrapping(next, 2, async () => other.rootKey.rotate({ retire: true }))
  const rewrapping = await world.open({ rootKey: slow, previousRootKeys: [old] })
  expect(await codeOf(rewrapping.rootKey.rewrap())).toBe('CONFLICT')
  expect([await wrappedBy(world, old), await epochsOf(world, 'keyring')]).toEqual([[], [1]])
  expect(await rewrapping.rootKey.rewrap()).toMatchObject({ began: true, epoch: 2, retired: [1] })
  expect([await wrappedBy(world, old), await wrappedBy(world, next)]).toEqual([[], [2]])
  await Promise.all([kms.close(), other.close(), rewrapping.close()])
})

test('a root key that is to be used next, and was made known while an epoch begins, opens that too', async () => {
  const { world, kms } = await house()
  const next = fresh()
  const other = await world.open({ previousRootKeys: [next] })
  const slow = wrapping(old, 2, async () => other.rootKey.rotate({ to: next }))
  const rewrapping = await world.open({ rootKey: slow, previousRootKeys: [next] })
  expect(await codeOf(rewrapping.rootKey.rewrap({ newEpoch: true }))).toBe('CONFLICT')
  expect(await rewrapping.rootKey.rewrap({ newEpoch: true })).toMatchObject({ began: true, epoch: 2 })
  expect([await wrappedBy(world, old), await wrappedBy(world, next)]).toEqual([[2], [2]])
  await Promise.all([kms.close(), other.close(), rewrapping.close()])
})

test('F97 a wrapping that is shown for a moment gets a root key that leaked no new epoch', async () => {
  const { world, kms } = await house()
  const next = fresh()
  await kms.rootKey.rotate({ to: next, retire: true })
  await kms.close()
  let planted: Row | undefined
  const between: Between = {
    reader: (reader) => ({
      get: async (table, key) => reader.get(table, key),
      range: async (table, range) => {
        const rows = await reader.range(table, range)
        return table === 'keyring_wraps' && planted !== undefined ? [...rows, planted] : rows
      },
    }),
  }
  const [row] = await world.shelf.rows('keyring')
  const shown = { ...row, provider: await nameOf(old), rev: 1 } as Row
  let isArmed = false
  const watched: RootKey = {
    // Which root keys there are is asked just before it is read who has to open the next epoch.
    describe: async () => {
      if (isArmed) planted = shown
      return next.describe()
    },
    wrap: async (key, context) => {
      planted = undefined
      return next.wrap(key, context)
    },
    unwrap: async (wrapped, context) => next.unwrap(wrapped, context),
  }
  const rewrapping = await world.open({ rootKey: watched, previousRootKeys: [old], between })
  isArmed = true
  expect(await codeOf(rewrapping.rootKey.rewrap({ newEpoch: true }))).toBe('STORAGE_TAMPERED')
  expect([await wrappedBy(world, old), await epochsOf(world, 'keyring')]).toEqual([[], [1]])
  planted = undefined
  await rewrapping.close()
})

test('a root key is rotated beside an epoch that another process has just begun, and that epoch with it', async () => {
  const { world, kms } = await house()
  let asked = 0
  const failing: RootKey = {
    describe: async () => old.describe(),
    wrap: async (key, context) => old.wrap(key, context),
    // The epoch that begins is opened once to see that it can be, and once to take it over.
    unwrap: async (wrapped, context) => {
      if (context.epoch === 2 && (asked += 1) > 1) throw new RootKeyUnavailableError('it is away')
      return old.unwrap(wrapped, context)
    },
  }
  const dying = await world.open({ rootKey: failing })
  expect(await codeOf(dying.rootKey.rewrap({ newEpoch: true }))).toBe('ROOT_KEY_UNAVAILABLE')
  expect(await epochsOf(world, 'heads')).toEqual([1])
  const next = fresh()
  await kms.rootKey.rotate({ to: next })
  expect([await wrappedBy(world, old), await wrappedBy(world, next)]).toEqual([
    [1, 2],
    [1, 2],
  ])
  await Promise.all([kms.close(), dying.close()])
})

test('a root key is rotated beside an epoch that goes', async () => {
  const { world, kms } = await house()
  const next = fresh()
  let isDone = false
  const slow: RootKey = {
    describe: async () => next.describe(),
    wrap: async (key, context) => next.wrap(key, context),
    unwrap: async (wrapped, context) => {
      if (!isDone) {
        isDone = true
        await both.rootKey.rewrap({ newEpoch: true })
      }
      return next.unwrap(wrapped, context)
    },
  }
  const both = await world.open({ previousRootKeys: [slow] })
  await both.rootKey.rotate({ to: slow })
  expect([await wrappedBy(world, old), await wrappedBy(world, next)]).toEqual([[2], [2]])
  expect((await both.ops.health()).tampering).toBeUndefined()
  await Promise.all([kms.close(), both.close()])
})

test.each([
  ['keyring_wraps', 1],
  ['keyring_epochs', 1],
  ['secrets', 3],
])('F97 a tenant of which a row of %s is hidden is not opened', async (table, count) => {
  const { world, kms } = await house()
  const next = fresh()
  await kms.rootKey.rotate({ to: next })
  await kms.close()
  const rows = await world.shelf.rows(table)
  expect(rows).toHaveLength(count)
  for (const row of rows) {
    const key = keyOf(table, row)
    await world.shelf.tamper(async (tx) => tx.remove(table, ['default', ...key]))
    expect([key, await codeOf(world.open({ rootKey: next }))]).toEqual([key, 'STORAGE_TAMPERED'])
    await world.shelf.tamper(async (tx) => tx.insert(table, row))
  }
  const again = await world.open({ rootKey: next })
  await again.close()
})
