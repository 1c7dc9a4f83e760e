import { createKms, generateRootKey, inspectKms, localRootKey } from '@chatelaine/core'
import { tables } from '@chatelaine/core/storage'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { rowsOf, scratchFolder, tamper } from '../support/sqlite-file.ts'

/** Names of tables that came after the first version, by the version that brought them. */
const later = Map.groupBy(
  tables.filter(({ since }) => since > 1),
  ({ since }) => since,
)

/** A database as the first version left it: with a key, a message, and no table that came later. */
async function firstVersion() {
  const file = path.join(scratchFolder(), 'kms.db')
  const rootKey = localRootKey(generateRootKey())
  const kms = await createKms({ storage: sqliteStorage(file), rootKey })
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'from before' })
  await kms.tenants.ensure('acme')
  await kms.close()
  for (const [since, added] of later) {
    tamper(file, ...added.map(({ name }) => `drop table chatelaine_${name}`))
    tamper(file, `delete from chatelaine_migrations where name = '${String(since).padStart(4, '0')}'`)
  }
  return { file, rootKey, ciphertext }
}

const tablesIn = (file: string): unknown[] =>
  rowsOf(file, "select name from sqlite_schema where type = 'table' order by name").map(({ name }) => name)

describe('F99 a database of the first version', () => {
  test('gets the tables that came later when it is opened, and keeps what it has', async () => {
    const { file, rootKey, ciphertext } = await firstVersion()
    expect(tablesIn(file)).not.toContain('chatelaine_data_keys')
    const kms = await createKms({ storage: sqliteStorage(file), rootKey })
    expect(tablesIn(file)).toEqual(expect.arrayContaining(tables.map(({ name }) => `chatelaine_${name}`)))
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('from before')
    await kms.dataKeys.generate({ reference: 'new', key: 'k' })
    await kms.dataKeys.rotate({ reference: 'new' })
    expect(await kms.dataKeys.get({ reference: 'new' })).toMatchObject({ version: 2 })
    const acme = await kms.tenant('acme')
    expect((await acme.dataKeys.list()).items).toEqual([])
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    await kms.close()
    const again = await createKms({ storage: sqliteStorage(file), rootKey })
    expect((await again.dataKeys.list()).items).toHaveLength(1)
    await again.close()
  })

  test('is opened by several at once, which all get them', async () => {
    const { file, rootKey } = await firstVersion()
    const all = await Promise.all(
      Array.from({ length: 4 }, async () => createKms({ storage: sqliteStorage(file), rootKey })),
    )
    for (const [at, kms] of all.entries()) await kms.dataKeys.generate({ reference: `r${at}`, key: 'k' })
    for (const kms of all) expect((await kms.dataKeys.list()).items).toHaveLength(4)
    for (const kms of all) await kms.close()
  })

  test('is looked at as it is, and nothing is added to it', async () => {
    const { file, rootKey } = await firstVersion()
    const before = tablesIn(file)
    const inspection = await inspectKms({ storage: sqliteStorage(file), rootKey })
    expect(inspection.problems).toEqual([])
    expect(await inspection.audit.verify()).toMatchObject({ ok: true })
    await inspection.close()
    expect(tablesIn(file)).toEqual(before)
  })
})
