import { StorageFailure, storageFailureOf, tables } from '@chatelaine/core/storage'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'
import { expect, test } from 'vitest'
import { describeStorage, faultInjecting, passThrough } from '../src/index.ts'
import type { StorageCall } from '../src/index.ts'
import { sharedMemory } from '../../../tests/support/shared-memory.ts'

describeStorage({
  name: 'faultInjecting, as long as it is not armed,',
  create: () => {
    const connect = sharedMemory()
    return { connect: () => faultInjecting(connect()) }
  },
})

describeStorage({
  name: 'passThrough',
  create: () => {
    const connect = sharedMemory()
    return { connect: () => passThrough(connect(), () => () => undefined) }
  },
})

async function open(storage: StorageAdapter): Promise<void> {
  await storage.open(tables)
  await storage.migrate()
}

const lock = (storage: StorageAdapter, tenant: string): Promise<void> =>
  storage.transact(tenant, (tx) => tx.insert('locks', { tenant }))
const isThere = async (storage: StorageAdapter, tenant: string): Promise<boolean> =>
  (await storage.snapshot((view) => view.get('locks', [tenant]))) !== undefined
const cut = (): StorageFailure => new StorageFailure('cut', { transient: true, outcome: 'unknown' })

test('the call with a given number fails, before it did anything or after it did everything', async () => {
  const storage = faultInjecting(memoryStorage())
  await open(storage)
  for (const position of ['before', 'after'] as const) {
    storage.failAt(3, { position, error: cut })
    await lock(storage, `${position} untouched`)
    const failed = await lock(storage, position).catch((error: unknown) => error)
    expect(storageFailureOf(failed)).toMatchObject({ message: 'cut', outcome: 'unknown' })
    const done = position === 'after' ? ['transact.insert'] : []
    expect(storage.calls).toEqual(['transact', 'transact.insert', 'transact', ...done])
    storage.disarm()
    expect(await isThere(storage, position)).toBe(position === 'after')
    expect(await isThere(storage, `${position} untouched`)).toBe(true)
  }
})

test('a schedule sees what is called, on which table and for whom', async () => {
  const storage = faultInjecting(memoryStorage())
  await open(storage)
  const seen: StorageCall[] = []
  storage.arm((call) => {
    seen.push(call)
    return call.name === 'transact.append' ? { position: 'before', error: cut } : undefined
  })
  const rows = [{ tenant: 'a' }, { tenant: 'b' }]
  const failed = storage.transact('a', (tx) => tx.savepoint(() => tx.append('locks', rows)))
  expect(storageFailureOf(await failed.catch((error: unknown) => error))?.message).toBe('cut')
  expect(seen).toEqual([
    { number: 1, name: 'transact', tenant: 'a' },
    { number: 2, name: 'transact.savepoint' },
    { number: 3, name: 'transact.append', table: 'locks', rows: 2 },
  ])
})

test('an observer is told of every call, and how it ended', async () => {
  const seen: string[] = []
  const storage = passThrough(memoryStorage(), ({ number, name }) => {
    seen.push(`${number} ${name}`)
    return ({ ok }) => seen.push(`${number} ${ok ? 'ended' : 'failed'}`)
  })
  await open(storage)
  await storage.transact('a', (tx) => tx.range('locks', { prefix: [], limit: 1 }))
  await storage.snapshot((view) => view.get('nowhere', [])).catch(() => undefined)
  await storage.close()
  const asked = ['1 open', '1 ended', '2 migrate', '2 ended', '3 transact', '4 transact.range', '4 ended', '3 ended']
  expect(seen).toEqual([...asked, '5 snapshot', '6 snapshot.get', '6 failed', '5 failed', '7 close', '7 ended'])
})
