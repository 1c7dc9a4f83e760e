import { tables } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { tmpdir } from 'node:os'
import { describe, expect, onTestFinished, test } from 'vitest'
import { asynchronously, cancelled, synchronously } from '../failover/failover.ts'
import { Replicated } from '../failover/replicated.ts'
import { failureOf } from '../support/failures.ts'

/** Two servers of the test's own. `undefined` where there are none for this platform. */
async function replicated(): Promise<Replicated | undefined> {
  const servers = await Replicated.start(tmpdir())
  if (servers !== undefined) onTestFinished(async () => servers.remove())
  return servers
}

const missing = 'There is no server for this platform.'

describe('a standby that takes over while callers ask', { timeout: 180_000 }, () => {
  test('has everything that was acknowledged, where commits wait for it', async ({ skip }) => {
    const servers = await replicated()
    if (servers === undefined) return skip(missing)
    const { acknowledged, lost, problems } = await synchronously(servers, { operations: 60 })
    expect(problems).toEqual([])
    expect(lost).toBe(0)
    expect(acknowledged).toBeGreaterThan(120)
  })

  test('lacks the end of the log, where commits do not wait, and whoever knew it refuses to go on', async ({
    skip,
  }) => {
    const servers = await replicated()
    if (servers === undefined) return skip(missing)
    const { acknowledged, lost, failed, problems } = await asynchronously(servers, { operations: 60, overtake: true })
    expect(problems).toEqual([])
    expect(lost).toBeGreaterThanOrEqual(60)
    expect(acknowledged).toBeGreaterThan(lost)
    expect(failed['ROLLBACK_DETECTED']).toBeGreaterThan(0)
  })

  test.for(['', '-c client_min_messages=error'])(
    'is waited for: a commit of which the server only warns is no commit, be it told so or not (%s)',
    async (options, { skip }) => {
      const servers = await replicated()
      if (servers === undefined) return skip(missing)
      const codes = await cancelled(servers, options)
      expect(codes).toEqual(['AUDIT_UNAVAILABLE', 'AUDIT_UNAVAILABLE', 'AUDIT_UNAVAILABLE'])
    },
  )

  test('is refused at opening before that, by name and as what may pass', async ({ skip }) => {
    const servers = await replicated()
    if (servers === undefined) return skip(missing)
    const storage = postgresStorage(servers.standby.url)
    const failure = await failureOf(storage.open(tables))
    expect(failure).toMatchObject({ transient: true, outcome: 'none' })
    expect(failure.message).toContain('is a standby')
    await storage.close()
  })
})
