import { memoryStorage } from '@chatelaine/storage-memory'
import { tables } from '@chatelaine/core/storage'
import { expect, test } from 'vitest'
import { failureOf, signalled } from '../support/failures.ts'

// The suite runs memoryStorage behind instances that open and close in its place: this is its own end.
test('memory waits for what is running when it is closed, may be closed twice, and is of no use then', async () => {
  const storage = memoryStorage()
  await storage.open(tables)
  await storage.migrate()
  const proceed = signalled()
  const writing = storage.transact('default', async (tx) => {
    await proceed.reached
    await tx.insert('locks', { tenant: 'default' })
    return tx.get('locks', ['default'])
  })
  const reading = storage.snapshot(async (view) => {
    await proceed.reached
    return view.get('locks', ['default'])
  })
  let closed = false
  const closing = storage.close().then(() => (closed = true))
  await new Promise((resolve) => void setImmediate(resolve))
  expect(closed).toBe(false)
  proceed.reach()
  expect(await writing).toEqual({ tenant: 'default' })
  expect(await reading).toBeUndefined()
  await closing
  await storage.close()
  await failureOf(storage.snapshot(async () => undefined))
  await failureOf(storage.transact('default', async () => undefined))
})
