import { createKms, generateRootKey, localRootKey, restoreKms, type StorageAdapter } from '@chatelaine/core'
import { checkInvariants } from '@chatelaine/conformance'
import { tables } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { expect, test } from 'vitest'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'
import { scratchFolder } from '../support/sqlite-file.ts'

const rootKey = localRootKey(generateRootKey())
const recoveryKey = localRootKey(generateRootKey())

/** What the newest head says, and every row of the state. */
async function stateOf(storage: StorageAdapter): Promise<unknown> {
  await storage.open(tables)
  try {
    expect(await checkInvariants(storage)).toEqual([])
    return await storage.snapshot(async (view) => {
      const [head] = await view.range('heads', { prefix: ['default'], order: 'desc', limit: 1 })
      const rows = []
      for (const { name, columns } of tables) {
        if (columns['rev'] === undefined) continue
        rows.push([name, await view.range(name, { prefix: ['default'], limit: 1000 })])
      }
      const plain = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? [...value] : value)
      return JSON.parse(JSON.stringify({ stateRoot: head?.['stateRoot'], rows }, plain)) as unknown
    })
  } finally {
    await storage.close()
  }
}

test('a backup of SQLite restored into PostgreSQL, and back, has the same state root and the same rows', async () => {
  const folder = scratchFolder()
  const [first, last] = [path.join(folder, 'first.db'), path.join(folder, 'last.db')]
  const schema = freshSchema()
  const onPostgres = (): StorageAdapter => postgresStorage({ connectionString: serverUrl(), schema })
  const kms = await createKms({ storage: sqliteStorage(first), rootKey })
  const key = await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  const { ciphertext } = await key.encrypt('4711')
  await key.rotate()
  await kms.keys.create({ name: 'letters', spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' })
  await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['decrypt'] })
  const there = await restoreKms({ archive: kms.backup({ recoveryKey }), recoveryKey, storage: onPostgres(), rootKey })
  const back = await restoreKms({
    archive: there.backup({ recoveryKey }),
    recoveryKey,
    storage: sqliteStorage(last),
    rootKey,
  })
  expect((await back.as('billing').decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
  for (const house of [kms, there, back]) await house.close()
  const states = [await stateOf(sqliteStorage(first)), await stateOf(onPostgres()), await stateOf(sqliteStorage(last))]
  expect(states[1]).toEqual(states[0])
  expect(states[2]).toEqual(states[0])
})
