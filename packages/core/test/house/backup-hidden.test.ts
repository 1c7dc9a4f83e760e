import { beforeEach, describe, expect, test } from 'vitest'
import { generateRootKey, localRootKey, type Kms } from '../../src/index.ts'
import type { Row } from '../../src/storage/table.ts'
import { rehashed } from '../support/audit-log.ts'
import { small, type World } from '../support/audit-world.ts'

const recoveryKey = localRootKey(generateRootKey())
let world: World
let kms: Kms

beforeEach(async () => {
  ;({ world, kms } = await small())
  await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['decrypt'] })
  await kms.principals.deactivate({ principal: 'mallory' })
})

/** How many bytes a backup has. */
async function backUp(): Promise<number> {
  let bytes = 0
  for await (const piece of kms.backup({ recoveryKey })) bytes += piece.length
  return bytes
}

describe('F97 a backup', () => {
  test('ends where nothing is hidden', async () => {
    expect(await backUp()).toBeGreaterThan(1000)
  })

  test.each([
    ['names', ['space', 'name']],
    ['grants', ['principal', 'keyId', 'id']],
    ['principals', ['id']],
  ])('does not end where a row of %s is hidden, for it would not be restored', async (table, columns) => {
    const row = (await world.shelf.rows(table)).at(-1) as Row
    const hidden = columns.map((column) => row[column] as string)
    await world.shelf.tamper(async (tx) => tx.remove(table, ['default', ...hidden]))
    const told = { code: 'STORAGE_TAMPERED', message: expect.stringContaining(`${table} ${JSON.stringify(hidden)}`) }
    await expect(backUp()).rejects.toMatchObject(told)
  })

  test('does not end where records are hidden', async () => {
    await world.shelf.tamper(async (tx) => tx.remove('records', ['default', 2]))
    await expect(backUp()).rejects.toMatchObject({ code: 'STORAGE_TAMPERED' })
  })

  test.each<[string, readonly [string, number], (row: Row) => Row]>([
    ['a text', ['records', 2], (row) => rehashed(row, String(row['text']).replace('owner', 'eve'))],
    ['a hash', ['records', 2], (row) => ({ ...row, hash: Buffer.alloc(32) })],
    ['a column', ['records', 2], (row) => ({ ...row, actor: 'eve' })],
    ['a checkpoint', ['checkpoints', 1], (row) => ({ ...row, note: String(row['note']).replace('\n1\n', '\n2\n') })],
    ['how long a checkpoint is', ['checkpoints', 1], (row) => ({ ...row, size: 99 })],
  ])(
    'does not end where %s of the log was changed, for none of it would be restored',
    async (_, [table, key], change) => {
      await world.shelf.edit(table, ['default', key], change)
      await expect(backUp()).rejects.toMatchObject({ code: 'STORAGE_TAMPERED' })
    },
  )
})
