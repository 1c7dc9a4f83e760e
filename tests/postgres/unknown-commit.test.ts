import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failureOf } from '../support/failures.ts'
import { PostgresProxy } from '../support/postgres-proxy.ts'
import type { Mishap } from '../support/postgres-proxy.ts'
import { freshSchema } from '../support/postgres-schema.ts'
import { makeLock, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'

const mishaps: readonly (readonly [Mishap, isApplied: boolean])[] = [
  ['lost', false],
  ['applied', true],
  ['in-flight', true],
]

describe('F102 a COMMIT whose answer nobody heard', () => {
  test.for(mishaps)(
    'has an unknown outcome for the caller, and one for whoever takes the lock next: %s',
    async ([mishap, isApplied], { skip }) => {
      const proxy = await PostgresProxy.start()
      if (proxy === undefined) return skip('The server has no Unix socket to stand before.')
      const { storage } = await opened({ connectionString: proxy.url })
      await makeLock(storage)
      proxy.arm(mishap)
      expect(await failureOf(put(storage, 1))).toMatchObject({ transient: true, outcome: 'unknown' })
      // Taking the lock waits for the old transaction to end, so what is read under it is final.
      const found = await storage.transact('default', (tx) => tx.get('checkpoints', ['default', 1]))
      expect(found !== undefined).toBe(isApplied)
      await put(storage, 2)
      expect(await sizesIn(storage)).toEqual(isApplied ? [1, 2] : [2])
    },
  )

  test('is settled soon after the signal aborts, where the server has gone silent', async ({ skip }) => {
    const proxy = await PostgresProxy.start()
    if (proxy === undefined) return skip('The server has no Unix socket to stand before.')
    const { storage } = await opened({ connectionString: proxy.url })
    await makeLock(storage)
    proxy.arm('silent')
    const started = performance.now()
    const write = storage.transact('default', (tx) => tx.append('checkpoints', []), {
      signal: AbortSignal.timeout(100),
    })
    expect(await failureOf(write)).toMatchObject({ transient: true, outcome: 'unknown' })
    expect(performance.now() - started).toBeLessThan(2000)
    await put(storage, 2)
  })

  test.for([...mishaps.map(([mishap]) => mishap), 'silent' as const])(
    'is found out by a KMS, which answers once and records once: %s',
    { timeout: 30_000 },
    async (mishap, { skip }) => {
      const proxy = await PostgresProxy.start()
      if (proxy === undefined) return skip('The server has no Unix socket to stand before.')
      const schema = freshSchema()
      const storage = postgresStorage({ connectionString: proxy.url, schema, lockTimeoutMs: 1000 })
      const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()), deadlineMs: 20_000 })
      onTestFinished(() => kms.close())
      await kms.keys.create({ name: 'orders', spec: 'AES_256' })
      for (let round = 0; round < (mishap === 'silent' ? 1 : 4); round++) {
        proxy.arm(mishap)
        const texts = Array.from({ length: 5 }, (_, at) => `${round}/${at}`)
        const sealed = await Promise.all(texts.map((plaintext) => kms.encrypt({ key: 'orders', plaintext })))
        expect(new Set(sealed.map(({ ciphertext }) => ciphertext.toString('hex'))).size).toBe(5)
      }
      expect(proxy.mishaps).toBeGreaterThan(0)
      const ask = await stranger()
      const count = `select count(*)::int from ${schema}.chatelaine_records where action = 'encrypt'`
      expect(await ask(count)).toEqual([mishap === 'silent' ? 5 : 20])
      expect(await kms.audit.verify()).toMatchObject({ ok: true })
    },
  )
})
