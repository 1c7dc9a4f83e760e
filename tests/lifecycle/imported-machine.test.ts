import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { expect, test } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'
import { sharedMemory } from '../support/shared-memory.ts'
import { walkImported } from './imported-walk.ts'

// `STATE_MACHINE=all` for every legal move from every state, on SQLite too; there each is made from some.
test.each([
  ['memory', false, () => sharedMemory()()],
  ['SQLite', process.env['STATE_MACHINE'] !== 'all', () => sqliteStorage(path.join(scratchFolder(), 'kms.db'))],
])(
  'C43 C44 a key whose material is brought is what the table says, in every state, whatever is done to it: on %s',
  async (_, isShort, open) => {
    const { problems, machines, cells } = await walkImported(open(), { isShort })
    expect(problems).toEqual([])
    expect(machines).toBe(27)
    expect(cells).toBeGreaterThan(600)
  },
  300_000,
)
