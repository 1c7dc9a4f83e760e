import { memoryStorage } from '@chatelaine/storage-memory'
import { expect, test } from 'vitest'
import { costOfDue } from './proportion.ts'

test('P8 doing 10 things that are due asks as much of the storage among 5,000 keys as among 50', async () => {
  const few = await costOfDue({ storage: memoryStorage(), others: 0 })
  const many = await costOfDue({ storage: memoryStorage(), others: 5000 })
  expect(few.done).toBe(10)
  expect(many).toEqual(few)
  expect(few.writes).toBeGreaterThan(10)
  expect(few.reads).toBeGreaterThan(10)
  expect(few.writes).toBeLessThan(10 * 40)
  expect(few.reads).toBeLessThan(10 * 120)
  expect(few.rowsRead).toBeGreaterThan(10)
  expect(few.rowsRead).toBeLessThan(10 * 120)
})
