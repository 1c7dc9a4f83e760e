import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { hostPool, makeLock, opened, put, sizesIn } from '../support/postgres-storage.ts'

describe('F95 defaults of a role or a database', () => {
  test.each([
    '-c default_transaction_isolation=serializable',
    '-c default_transaction_isolation=repeatable\\ read',
    '-c default_transaction_isolation=read\\ uncommitted',
    '-c synchronous_commit=off',
    '-c synchronous_commit=local -c search_path=pg_temp',
    '-c client_min_messages=error',
    '-c default_transaction_read_only=on',
    '-c default_transaction_deferrable=on -c default_transaction_isolation=serializable',
  ])('do not decide how a transaction runs: %s', async (options) => {
    const pool = hostPool({ options })
    const clients = new Set<pg.PoolClient>()
    pool.on('acquire', (client) => clients.add(client))
    const { storage } = await opened({ pool })
    await makeLock(storage)
    const within = `select current_setting('synchronous_commit') as commit, current_setting('search_path') as path,
      current_setting('transaction_isolation') as isolation, current_setting('client_min_messages') as messages where pg_current_xact_id_if_assigned() is not null`
    const seen: unknown[] = []
    await storage.transact('default', async (tx) => {
      await tx.insert('checkpoints', { tenant: 'default', size: 1, note: 'n', createdAt: 1 })
      for (const client of [...clients].filter((one) => one.getTransactionStatus() === 'T')) {
        seen.push(...(await client.query(within)).rows)
      }
    })
    const expected = { commit: 'on', path: 'pg_catalog', isolation: 'read committed', messages: 'warning' }
    expect(seen).toEqual([expected])
    // Under serializable or repeatable read the second of two that waited for one lock would fail.
    await Promise.all([2, 3, 4, 5].map((size) => put(storage, size)))
    expect(await sizesIn(storage)).toEqual([1, 2, 3, 4, 5])
  })
})
