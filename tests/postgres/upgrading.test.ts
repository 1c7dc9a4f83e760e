import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { tables } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { expect, onTestFinished, test } from 'vitest'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'
import { stranger } from '../support/postgres-storage.ts'

test('F99 a database of the first version gets the tables that came later when several open it at once', async () => {
  const schema = freshSchema()
  const rootKey = localRootKey(generateRootKey())
  const open = async () => {
    const kms = await createKms({ storage: postgresStorage({ connectionString: serverUrl(), schema }), rootKey })
    onTestFinished(() => kms.close())
    return kms
  }
  const old = await open()
  await old.keys.create({ name: 'k', spec: 'AES_256' })
  const { ciphertext } = await old.encrypt({ key: 'k', plaintext: 'from before' })
  await old.close()
  const ask = await stranger()
  const later = tables.filter(({ since }) => since > 1)
  for (const { name } of later) await ask(`drop table "${schema}"."chatelaine_${name}"`)
  await ask(`delete from "${schema}".chatelaine_migrations where name > '0001'`)
  const all = await Promise.all(Array.from({ length: 3 }, open))
  for (const [at, kms] of all.entries()) {
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('from before')
    await kms.dataKeys.generate({ reference: `r${at}`, key: 'k', context: { at: String(at) } })
    await kms.dataKeys.rotate({ reference: `r${at}`, context: { at: String(at) } })
  }
  for (const kms of all) {
    expect(await kms.dataKeys.get({ reference: 'r0', context: { at: '0' } })).toMatchObject({ version: 2 })
    expect((await kms.dataKeys.list({ key: 'k', limit: 2 })).items).toHaveLength(2)
  }
  expect(await all[0]?.audit.verify()).toMatchObject({ ok: true })
})
