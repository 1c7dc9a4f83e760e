import { expect, test } from 'vitest'
import { walkImported } from '../lifecycle/imported-walk.ts'
import { walkAll } from '../lifecycle/walk.ts'
import { fresh } from '../support/postgres-storage.ts'

/** `STATE_MACHINE=all` for every legal move from every state, too; here each is made from some. */
const isShort = process.env['STATE_MACHINE'] !== 'all'

test('C43 C44 a key is what the table says, in every state, whatever is done to it: on PostgreSQL', async () => {
  const { problems, cells } = await walkAll(fresh().storage, { isShort })
  expect(problems).toEqual([])
  expect(cells).toBeGreaterThan(3000)
}, 300_000)

test('C43 C44 a key whose material is brought is what the table says, in every state: on PostgreSQL', async () => {
  const { problems, machines } = await walkImported(fresh().storage, { isShort })
  expect(problems).toEqual([])
  expect(machines).toBe(27)
}, 300_000)
