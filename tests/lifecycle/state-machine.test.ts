import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { expect, test } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'
import { sharedMemory } from '../support/shared-memory.ts'
import { walkAll } from './walk.ts'

test.each([
  ['memory', () => sharedMemory()()],
  ['SQLite', () => sqliteStorage(path.join(scratchFolder(), 'kms.db'))],
])(
  'C43 C44 a key is what the table says, in every state, whatever is done to it: on %s',
  async (_, open) => {
    const { problems, cells, moves } = await walkAll(open())
    expect(problems).toEqual([])
    expect(cells).toBeGreaterThan(5000)
    expect(moves).toBeGreaterThan(2000)
  },
  300_000,
)
