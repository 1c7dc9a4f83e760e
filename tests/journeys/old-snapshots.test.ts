import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { StorageFailure, type StorageAdapter, type StorageReader } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'
import { expect, test } from 'vitest'
import { codeOf } from '../support/outcomes.ts'
import { sharedMemory } from '../support/shared-memory.ts'

/** A storage that can be told to show an old snapshot, and to fail commits after everything was done. */
function moody(inner: StorageAdapter): StorageAdapter & { shows: StorageReader | undefined; fails: boolean } {
  return {
    shows: undefined,
    fails: false,
    name: 'moody',
    open: async (tables) => inner.open(tables),
    migrate: async () => inner.migrate(),
    close: async () => inner.close(),
    async snapshot(read) {
      return this.shows === undefined ? inner.snapshot(read) : read(this.shows)
    },
    async transact(tenant, write, options) {
      return inner.transact(
        tenant,
        async (tx) => {
          const result = await write(tx)
          if (this.fails) throw new StorageFailure('no', { transient: false, outcome: 'none' })
          return result
        },
        options,
      )
    },
  }
}

test('E81 a revocation that was once read under the lock is never unread, whatever older state the storage shows', async () => {
  const connect = sharedMemory()
  const rootKey = localRootKey(generateRootKey())
  const owner = await createKms({ storage: connect(), rootKey })
  await owner.keys.create({ name: 'k', spec: 'AES_256' })
  const { id } = await owner.grants.create({ principal: 'p', key: 'k', operations: ['decrypt'] })
  const inner = connect()
  const storage = moody(inner)
  const kms = await createKms({ storage, rootKey })
  const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'secret' })
  expect(await codeOf(kms.as('p').decrypt({ ciphertext }))).toBeUndefined()
  const before = Promise.withResolvers<void>()
  const after = Promise.withResolvers<void>()
  const held = inner.snapshot(async (view) => {
    storage.shows = view
    before.resolve()
    await after.promise
  })
  await before.promise
  const old = storage.shows
  storage.shows = undefined
  await owner.grants.revoke({ grant: id })
  storage.fails = true
  expect(await codeOf(kms.encrypt({ key: 'k', plaintext: 'x' }))).toBe('AUDIT_UNAVAILABLE')
  storage.fails = false
  storage.shows = old
  expect(await codeOf(kms.as('p').decrypt({ ciphertext }))).toBeDefined()
  storage.shows = undefined
  after.resolve()
  await held
  expect(await codeOf(kms.as('p').decrypt({ ciphertext }))).toBe('ACCESS_DENIED')
  await kms.close()
  await owner.close()
})

test('old heads are trimmed also after a trim that was not committed', async () => {
  const inner = memoryStorage()
  const storage = moody(inner)
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()) })
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const heads = async (): Promise<number> =>
    inner.snapshot(async (view) => (await view.range('heads', { prefix: ['default'], limit: 1000 })).length)
  const most: number[] = []
  for (let batch = 0; batch < 400; batch++) {
    storage.fails = batch % 10 === 9
    await codeOf(kms.encrypt({ key: 'k', plaintext: 'x' }))
    most.push(await heads())
  }
  expect(Math.max(...most)).toBeLessThanOrEqual(2 * 64 + 8)
  expect(most.at(-1)).toBeLessThanOrEqual(64 + 8)
  storage.fails = false
  await kms.close()
})

test('F98 no more than 20,000 operations run at a time, whatever they wait for', async () => {
  const inner = memoryStorage()
  let isDark = false
  const storage: StorageAdapter = {
    ...moody(inner),
    snapshot: async (read) => (isDark ? new Promise(() => undefined) : inner.snapshot(read)),
    transact: async (...call) => (isDark ? new Promise(() => undefined) : inner.transact(...call)),
  }
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()), deadlineMs: 300 })
  isDark = true
  const asked = Array.from({ length: 20_050 }, async (_, index) => codeOf(kms.keys.get({ key: `k${index}` })))
  const codes = await Promise.all(asked)
  expect(codes.filter((code) => code === 'AUDIT_OVERLOADED').length).toBeGreaterThanOrEqual(50)
  expect(new Set(codes)).toEqual(new Set(['AUDIT_OVERLOADED', 'AUDIT_UNAVAILABLE']))
})
