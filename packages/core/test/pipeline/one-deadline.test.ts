import { memoryStorage } from '@chatelaine/storage-memory'
import { expect, onTestFinished, test } from 'vitest'
import { createKms, generateRootKey, localRootKey, type StorageAdapter } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import type { Between } from '../support/audit-storage.ts'
import { settle, watch, World } from '../support/audit-world.ts'

test('an operation has one deadline for its reads and its record together', async () => {
  const memory = memoryStorage()
  let isDark = false
  const unless = async <T>(work: () => Promise<T>): Promise<T> => (isDark ? new Promise<T>(() => undefined) : work())
  const storage: StorageAdapter = {
    name: 'dark',
    open: async (tables) => memory.open(tables),
    migrate: async () => memory.migrate(),
    close: async () => memory.close(),
    snapshot: async (read) => unless(async () => memory.snapshot(read)),
    transact: async (tenant, write, options) => unless(async () => memory.transact(tenant, write, options)),
  }
  const clock = fakeClock()
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()), clock, timers: clock })
  onTestFinished(() => {
    isDark = false
  })
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  isDark = true
  const use = watch(kms.as('nobody').encrypt({ key: 'orders', plaintext: 'x' }))
  for (let waited = 0; waited < 5500; waited += 100) {
    await settle()
    clock.advance(100)
  }
  await settle()
  expect(use).toMatchObject({ state: 'failed', error: { code: 'AUDIT_UNAVAILABLE' } })
})

test('a change that has waited for the storage to prove something does not wait as long again for its record', async () => {
  const world = new World()
  let isDark = false
  const unless = async <T>(work: () => Promise<T>): Promise<T> => (isDark ? new Promise<T>(() => undefined) : work())
  // Gone as soon as somebody looks at the state outside of the transaction.
  const snapshot = async <T>(work: () => Promise<T>): Promise<T> => {
    isDark = true
    return unless(work)
  }
  const between: Between = { transact: unless }
  const kms = await world.open({ between })
  onTestFinished(() => {
    isDark = false
  })
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  Object.assign(between, { snapshot })
  const use = watch(kms.grants.revoke({ grant: '00000000-0000-4000-8000-000000000000' }))
  for (let waited = 0; waited < 5000; waited += 100) {
    await settle()
    world.clock.advance(100)
  }
  await settle()
  expect(use).toMatchObject({ state: 'failed', error: { code: 'AUDIT_UNAVAILABLE' } })
})
