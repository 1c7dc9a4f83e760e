import { expect, test } from 'vitest'
import { failureOf } from '../support/failures.ts'
import { checkpoint, makeLock, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'

test('what fails because of what failed before it in one go says why that was', async () => {
  const { storage, schema } = await opened({ lockTimeoutMs: 100 })
  await makeLock(storage)
  const ask = await stranger()
  await ask(`begin; lock table ${schema}.chatelaine_checkpoints in exclusive mode`)
  const seen: unknown[] = []
  const failed = storage.transact('default', async (tx) => {
    const written = tx.append('checkpoints', [checkpoint(1)])
    const read = tx.get('locks', ['default'])
    seen.push(await failureOf(written), await failureOf(read))
    await tx.get('locks', ['default'])
  })
  expect((await failureOf(failed)).message).toContain('(55P03)')
  const root = { transient: true, outcome: 'none' }
  expect(seen).toMatchObject([root, root])
  await ask('rollback')
  await put(storage, 2)
  expect(await sizesIn(storage)).toEqual([2])
})

test('what fails after a clash that spoiled the transaction is no clash', async () => {
  const { storage } = await opened()
  await put(storage, 1)
  const failed = storage.transact('default', async (tx) => {
    await Promise.allSettled([tx.append('checkpoints', [checkpoint(1)])])
    await tx.insert('checkpoints', checkpoint(2))
  })
  expect(await failureOf(failed)).toMatchObject({ transient: false, outcome: 'none' })
  expect(await sizesIn(storage)).toEqual([1])
})
