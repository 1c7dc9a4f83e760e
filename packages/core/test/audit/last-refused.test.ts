import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { StorageFailure } from '../../src/storage/errors.ts'
import { Bench } from '../support/audit-committer.ts'
import { namedUse } from '../support/audit-entries.ts'
import { altered } from '../support/audit-storage.ts'

const unheard: unknown[] = []
const hear = (error: unknown): void => void unheard.push(error)

beforeAll(() => void process.on('unhandledRejection', hear))
afterAll(() => void process.off('unhandledRejection', hear))

test('F101 a storage whose transaction is over when all has been asked for fails the batch, and nothing besides', async () => {
  const bench = await Bench.on({ records: 3 })
  const lost = new StorageFailure('lost', { transient: true, outcome: 'none' })
  const over = new StorageFailure('over', { transient: false, outcome: 'none' })
  bench.between.write = (tx) =>
    altered(tx, {
      append: async () => {
        await setImmediate()
        throw lost
      },
      last: () => {
        throw over
      },
    })
  await expect(bench.commit([namedUse('a')])).rejects.toBe(lost)
  await setImmediate()
  await setImmediate()
  expect(unheard).toEqual([])
})
