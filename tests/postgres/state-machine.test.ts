import { expect, test } from 'vitest'
import { walkAll } from '../lifecycle/walk.ts'
import { fresh } from '../support/postgres-storage.ts'

test('C43 C44 a key is what the table says, in every state, whatever is done to it: on PostgreSQL', async () => {
  const { problems, cells } = await walkAll(fresh().storage)
  expect(problems).toEqual([])
  expect(cells).toBeGreaterThan(5000)
}, 300_000)
