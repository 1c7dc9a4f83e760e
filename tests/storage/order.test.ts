import type { StorageAdapter } from '@chatelaine/core/storage'
import { tables } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { expect, test } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'

// More than the contract asks: there transactions exclude each other, in whatever order.
test.each<[string, () => StorageAdapter]>([
  ['memoryStorage', memoryStorage],
  ['sqliteStorage', () => sqliteStorage(path.join(scratchFolder(), 'kms.db'))],
])('transactions on one %s run in the order in which they were asked for', async (_, create) => {
  const storage = create()
  await storage.open(tables)
  await storage.migrate()
  const order: number[] = []
  const turn = (at: number): Promise<unknown> => storage.transact('default', async () => order.push(at))
  await Promise.all([0, 1, 2, 3, 4].map(turn))
  expect(order).toEqual([0, 1, 2, 3, 4])
  await storage.close()
})
