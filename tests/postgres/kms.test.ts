import { createKms, generateRootKey, isKmsError, localRootKey } from '@chatelaine/core'
import type { Kms } from '@chatelaine/core'
import { postgresStorage } from '@chatelaine/storage-postgres'
import type { PostgresStorageOptions } from '@chatelaine/storage-postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'
import { PostgresServer } from '../support/postgres-server.ts'
import { stranger } from '../support/postgres-storage.ts'

const rootKey = localRootKey(generateRootKey())

async function house(
  schema: string,
  options: Partial<PostgresStorageOptions> & { readonly deadlineMs?: number } = {},
): Promise<Kms> {
  const { deadlineMs, ...rest } = options
  const storage = postgresStorage({ connectionString: serverUrl(), schema, ...rest })
  const kms = await createKms({ storage, rootKey, deadlineMs })
  onTestFinished(() => kms.close())
  return kms
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (isKmsError(error) ? error.code : String(error)),
  )

describe('a KMS on PostgreSQL', () => {
  test.each([true, false])(
    'keeps keys, grants and a chain that verifies (prepared statements: %s)',
    async (preparedStatements) => {
      const schema = freshSchema()
      const kms = await house(schema, { preparedStatements })
      const key = await kms.keys.ensure({ name: 'orders', spec: 'AES_256' })
      const context = { table: 'orders' }
      const { ciphertext } = await key.encrypt('first', { context })
      await key.rotate()
      const later = await Promise.all(
        Array.from({ length: 200 }, (_, at) => kms.encrypt({ key: 'orders', plaintext: `${at}`, context })),
      )
      expect((await kms.decrypt({ ciphertext, context })).plaintext.toString()).toBe('first')
      expect(later.every(({ keyVersion }) => keyVersion === 2)).toBe(true)
      await kms.tenants.ensure('acme')
      expect(await kms.audit.verify()).toMatchObject({ ok: true })
      await kms.close()
      const again = await house(schema)
      const { plaintext } = await again.decrypt({ ciphertext: later[7]?.ciphertext as Buffer, context })
      expect(plaintext.toString()).toBe('7')
      expect(await again.audit.verify()).toMatchObject({ ok: true })
    },
  )

  test('several that are made at once in an empty database are one house', async () => {
    const schema = freshSchema()
    const all = await Promise.all(Array.from({ length: 5 }, () => house(schema)))
    await Promise.all(all.map((kms, at) => kms.keys.create({ name: `key ${at}`.replace(' ', '-'), spec: 'AES_256' })))
    const { ciphertext } = await (all[0] as Kms).encrypt({ key: 'key-4', plaintext: 'shared' })
    for (const kms of all) expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('shared')
    expect(await all[1]?.audit.verify()).toMatchObject({ ok: true })
    const ask = await stranger()
    expect(await ask(`select count(*)::int from ${schema}.chatelaine_keyring`)).toEqual([1])
  })

  test('what one process revokes, disables or rotates counts in the other at once', async () => {
    const schema = freshSchema()
    const [left, right] = await Promise.all([house(schema), house(schema)])
    await left.keys.create({ name: 'orders', spec: 'AES_256' })
    for (let round = 0; round < 10; round++) {
      const grant = await left.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'] })
      const billing = right.as('billing')
      expect(await codeOf(billing.encrypt({ key: 'orders', plaintext: 'x' }))).toBe('done')
      await left.grants.revoke({ grant: grant.id })
      expect(await codeOf(billing.encrypt({ key: 'orders', plaintext: 'x' }))).toBe('ACCESS_DENIED')
      await right.keys.disable({ key: 'orders' })
      expect(await codeOf(left.encrypt({ key: 'orders', plaintext: 'x' }))).toBe('INVALID_KEY_STATE')
      await left.keys.enable({ key: 'orders' })
      const { version } = await right.keys
        .rotate({ key: 'orders' })
        .then(() => right.keys.get({ key: 'orders' }))
        .then((key) => ({ version: key.currentVersion }))
      expect((await left.encrypt({ key: 'orders', plaintext: 'x' })).keyVersion).toBe(version)
    }
    expect(await right.audit.verify()).toMatchObject({ ok: true })
  })

  test('G104 another root key is refused, and nothing is written', async () => {
    const schema = freshSchema()
    await (await house(schema)).close()
    const ask = await stranger()
    const count = `select count(*)::int from ${schema}.chatelaine_records`
    const before = await ask(count)
    const storage = postgresStorage({ connectionString: serverUrl(), schema })
    expect(await codeOf(createKms({ storage, rootKey: localRootKey(generateRootKey()) }))).toBe('ROOT_KEY_MISMATCH')
    await storage.close()
    expect(await ask(count)).toEqual(before)
  })
})

describe('a server that crashes while a KMS runs', () => {
  test('settles what is under way within its deadline, and serves what comes after its return within 2 seconds', async ({
    skip,
  }) => {
    const server = await PostgresServer.start()
    if (server === undefined) return skip('There is no server to start.')
    onTestFinished(() => server.remove())
    const deadlineMs = 2000
    const kms = await house('kms', { connectionString: server.url, deadlineMs })
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const sealed: Buffer[] = []
    const times: number[] = []
    let isRunning = true
    const caller = async (): Promise<void> => {
      while (isRunning) {
        const started = performance.now()
        const code = await codeOf(
          kms.encrypt({ key: 'orders', plaintext: 'x' }).then(({ ciphertext }) => void sealed.push(ciphertext)),
        )
        times.push(performance.now() - started)
        if (code !== 'done') expect(code).toMatch(/^(AUDIT_UNAVAILABLE|STORAGE_UNAVAILABLE)$/)
      }
    }
    const callers = Array.from({ length: 16 }, caller)
    for (let round = 0; round < 2; round++) {
      await expect.poll(() => sealed.length, { timeout: 5000 }).toBeGreaterThan(100 * (round + 1))
      await server.stop('immediate')
      await new Promise((resolve) => setTimeout(resolve, 300))
      await server.start()
      const [back, count] = [performance.now(), sealed.length]
      await expect.poll(() => sealed.length, { timeout: 5000, interval: 10 }).toBeGreaterThan(count)
      expect(performance.now() - back).toBeLessThan(2000)
    }
    isRunning = false
    await Promise.all(callers)
    expect(Math.max(...times)).toBeLessThan(deadlineMs + 1000)
    const records = (await kms.ops.health()).chain?.size ?? 0
    expect(records).toBeGreaterThanOrEqual(sealed.length)
    for (const ciphertext of sealed.slice(-50)) await kms.decrypt({ ciphertext })
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  }, 60_000)
})
