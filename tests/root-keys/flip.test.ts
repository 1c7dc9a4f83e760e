import path from 'node:path'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { expect, test } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'
import { flip } from './flip.ts'

test('S0-02 the same SQLite file opens with a local root key, one in AWS KMS, and a local one again', async () => {
  const file = path.join(scratchFolder(), 'kms.db')
  expect(await flip(() => sqliteStorage(file))).toBe('4711')
})
