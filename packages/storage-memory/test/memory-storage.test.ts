import { isStorageConflict, storageFailureOf, tables } from '@chatelaine/core/storage'
import type { Row, StorageAdapter } from '@chatelaine/core/storage'
import { describe, expect, test } from 'vitest'
import { memoryStorage } from '../src/index.ts'

async function ready(): Promise<StorageAdapter> {
  const storage = memoryStorage()
  await storage.open(tables)
  await storage.migrate()
  return storage
}

const checkpoint = (size: number): Row => ({ tenant: 'default', size, note: `note ${size}`, createdAt: 1 })

describe('memoryStorage', () => {
  test('a new storage has no tables until it is migrated', async () => {
    const storage = memoryStorage()
    expect(await storage.open(tables)).toEqual({ exists: false })
    const early = storage.snapshot((view) => view.get('locks', ['default']))
    expect(storageFailureOf(await early.catch((error: unknown) => error))?.transient).toBe(false)
    await storage.migrate()
    await storage.migrate()
    expect(await storage.snapshot((view) => view.get('locks', ['default']))).toBeUndefined()
  })

  test('two storages share nothing', async () => {
    const [one, other] = [await ready(), await ready()]
    await one.transact('default', (tx) => tx.insert('locks', { tenant: 'default' }))
    expect(await one.snapshot((view) => view.get('locks', ['default']))).toEqual({ tenant: 'default' })
    expect(await other.snapshot((view) => view.get('locks', ['default']))).toBeUndefined()
  })

  test('a savepoint that is undone leaves what came before it as it was, however often it is tried', async () => {
    const storage = await ready()
    await storage.transact('default', async (tx) => {
      await tx.insert('checkpoints', checkpoint(0))
      for (let size = 1; size <= 3; size++) {
        const undone = tx.savepoint(async () => {
          await tx.insert('checkpoints', checkpoint(size))
          await tx.insert('checkpoints', checkpoint(0))
        })
        expect(isStorageConflict(await undone.catch((error: unknown) => error))).toBe(true)
      }
      await tx.savepoint(() => tx.insert('checkpoints', checkpoint(9)))
    })
    const rows = await storage.snapshot((view) => view.range('checkpoints', { prefix: ['default'], limit: 10 }))
    expect(rows).toEqual([checkpoint(0), checkpoint(9)])
  })
})

describe('rows of bytes', () => {
  test('F101 nothing that goes in or comes out is shared with the storage', async () => {
    const storage = await ready()
    const given = { tenant: 'default', epoch: 1, provider: 'local', wrapped: Uint8Array.of(1, 2), createdAt: 0, rev: 1 }
    await storage.transact('default', (tx) => tx.append('keyring', [given]))
    given.wrapped.fill(0)
    const read = (): Promise<Row | undefined> => storage.snapshot((view) => view.get('keyring', ['default', 1]))
    const taken = await read()
    expect(taken?.['wrapped']).toEqual(Uint8Array.of(1, 2))
    expect(Object.getPrototypeOf(taken?.['wrapped'])).toBe(Uint8Array.prototype)
    if (taken?.['wrapped'] instanceof Uint8Array) taken['wrapped'].fill(9)
    expect((await read())?.['wrapped']).toEqual(Uint8Array.of(1, 2))
  })

  test('a buffer that is a window on a larger one is kept without the rest', async () => {
    const storage = await ready()
    const window = new Uint8Array(1024).subarray(10, 12)
    const row = { tenant: 'default', epoch: 1, provider: 'local', wrapped: window, createdAt: 0, rev: 1 }
    await storage.transact('default', (tx) => tx.insert('keyring', row))
    const found = await storage.snapshot((view) => view.get('keyring', ['default', 1]))
    const wrapped = found?.['wrapped']
    expect(wrapped instanceof Uint8Array && wrapped.buffer.byteLength).toBe(2)
  })
})
