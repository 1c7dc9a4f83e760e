import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { tables } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { inject, injections } from '../support/injections.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'
import { opened, stranger } from '../support/postgres-storage.ts'

describe('F92 on PostgreSQL', () => {
  test('names, tags, contexts, principals, reasons, filters, orders and cursors are values and never SQL', async () => {
    const schema = freshSchema()
    const storage = postgresStorage({ connectionString: serverUrl(), schema })
    const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()) })
    onTestFinished(() => kms.close())
    await inject(kms)
    const ask = await stranger()
    expect(await ask(`select count(*)::int from ${schema}.chatelaine_grants`)).toEqual([injections.length])
  }, 60_000)

  test('names of tables, columns and indexes, orders and limits are those that are known', async () => {
    const { storage, schema } = await opened()
    for (const text of injections) {
      const all = [
        storage.snapshot((view) => view.get(text, [])),
        storage.snapshot((view) => view.range('checkpoints', { index: text, prefix: [], limit: 1 })),
        storage.snapshot((view) => view.range('checkpoints', { prefix: [], limit: text as unknown as number })),
        storage.transact('default', (tx) => tx.insert('locks', { [text]: 'default' })),
        storage.transact('default', (tx) => tx.append(text, [{ tenant: 'default' }])),
        storage.transact('default', (tx) => tx.replace('locks', { tenant: text }, 1)),
      ]
      const outcomes = await Promise.allSettled(all)
      expect(outcomes.map(({ status }) => status)).toEqual(all.map(() => 'rejected'))
      const order = storage.snapshot((view) => view.range('locks', { prefix: [], order: text as 'asc', limit: 9 }))
      expect(await order.catch(() => [])).toEqual([])
    }
    const ask = await stranger()
    const found = await ask('select count(*)::int from pg_tables where schemaname = $1', [schema])
    expect(Number(found[0])).toBeGreaterThan(tables.length)
    expect(await ask(`select count(*)::int from ${schema}.chatelaine_locks`)).toEqual([0])
  })
})
