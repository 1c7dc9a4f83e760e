import { describe, expect, test, vi } from 'vitest'
import { failureOf, signalled } from '../support/failures.ts'
import { disconnect, fresh, hostPool, makeLock, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'
import { tables, type StorageAdapter } from '@chatelaine/core/storage'

/** Two storages on one schema, as two processes would have them, and the lock that they share. */
async function pair(lockTimeoutMs = 5000) {
  const { storage: first, schema } = await opened({ lockTimeoutMs })
  await makeLock(first)
  const { storage: second } = await opened({ schema, lockTimeoutMs })
  return { first, second, schema }
}

/** Takes the lock by a transaction that runs until it is let go. */
async function hold(storage: StorageAdapter): Promise<() => Promise<void>> {
  const held = signalled()
  const proceed = signalled()
  const holding = storage.transact('default', async () => {
    held.reach()
    await proceed.reached
  })
  await held.reached
  return async () => {
    proceed.reach()
    await holding
  }
}

describe('the lock of a tenant', () => {
  test('excludes the transactions of other processes from before their first read until their commit', async () => {
    const { first, second } = await pair()
    const count = async (storage: typeof first): Promise<void> =>
      storage.transact('default', async (tx) => {
        const rows = await tx.range('checkpoints', { prefix: ['default'], order: 'desc', limit: 1 })
        const size = Number(rows[0]?.['size'] ?? 0) + 1
        await tx.insert('checkpoints', { tenant: 'default', size, note: 'n', createdAt: 1 })
      })
    await Promise.all(Array.from({ length: 60 }, (_, at) => count(at % 2 === 0 ? first : second)))
    expect(await sizesIn(first)).toEqual(Array.from({ length: 60 }, (_, at) => at + 1))
  })

  test('lets other tenants be', async () => {
    const { first, second } = await pair()
    await makeLock(first, 'other')
    const proceed = signalled()
    const holding = first.transact('default', () => proceed.reached)
    const others = [first, second].map((storage) => storage.transact('other', async () => 'ran'))
    expect(await Promise.all(others)).toEqual(['ran', 'ran'])
    proceed.reach()
    await holding
  })

  test('is waited for without blocking anything, and for no longer than was asked for', async () => {
    const { first, second } = await pair(150)
    const release = await hold(first)
    expect(await failureOf(put(second, 1))).toMatchObject({ transient: true, outcome: 'none' })
    expect(await sizesIn(second)).toEqual([])
    await release()
    await put(second, 2)
    expect(await sizesIn(first)).toEqual([2])
  })

  test('not had in time, fails what was asked for early, and the connection goes on', async () => {
    const { first, second } = await pair(150)
    const release = await hold(first)
    const answers: unknown[] = []
    const early = second.transact(
      'default',
      async (tx) => void answers.push(await tx.range('checkpoints', { prefix: ['default'], limit: 1 })),
      { early: true },
    )
    expect(await failureOf(early)).toMatchObject({ transient: true, outcome: 'none' })
    expect(answers).toEqual([])
    await release()
    await put(second, 1)
    expect(await sizesIn(first)).toEqual([1])
  })

  test('is given up at once when the signal aborts, and nothing was applied', async () => {
    const { first, second } = await pair()
    const release = await hold(first)
    const controller = new AbortController()
    let ran = false
    const write = async (): Promise<void> => void (ran = true)
    const waiting = second.transact('default', write, { signal: controller.signal })
    controller.abort()
    expect(await failureOf(waiting)).toMatchObject({ transient: true, outcome: 'none' })
    await release()
    await put(second, 1)
    expect(ran).toBe(false)
  })

  test('of a process that stands still in the middle of a transaction is taken away from it', async () => {
    const { first, second } = await pair()
    const stuck = await opened({ connection: { applicationName: 'stands still' } })
    await makeLock(stuck.storage)
    const proceed = signalled()
    const holding = stuck.storage.transact('default', () => proceed.reached)
    const ask = await stranger()
    await vi.waitFor(async () => {
      const state =
        "select state from pg_stat_activity where application_name = 'stands still' and state like 'idle in%'"
      expect(await ask(state)).toHaveLength(1)
    })
    await disconnect('stands still')
    proceed.reach()
    expect(await failureOf(holding)).toMatchObject({ transient: true })
    await Promise.all([put(first, 1), put(second, 2)])
  })
})

describe('F98 connections', () => {
  test('of a pool that is used up are waited for, and not for ever', async () => {
    const pool = hostPool({ max: 3 })
    const { storage } = await opened({ pool, lockTimeoutMs: 200 })
    const last = await pool.connect()
    const proceed = signalled()
    const started = signalled()
    const reading = storage.snapshot(async () => {
      started.reach()
      await proceed.reached
    })
    await started.reached
    expect(await failureOf(sizesIn(storage))).toMatchObject({ transient: true, outcome: 'none' })
    await put(storage, 1)
    last.release()
    expect(await sizesIn(storage)).toEqual([1])
    proceed.reach()
    await reading
  })

  test('whose host has set a timeout of its own are lost by it, as what may pass', async () => {
    const pool = hostPool({ query_timeout: 300 })
    const { storage, schema } = await opened({ pool })
    await makeLock(storage)
    const ask = await stranger()
    await ask(`begin; select * from ${schema}.chatelaine_locks for update`)
    expect(await failureOf(put(storage, 1))).toMatchObject({ transient: true, outcome: 'none' })
    await ask('rollback')
    await put(storage, 2)
    expect(await sizesIn(storage)).toEqual([2])
  })

  test('are not leaked by anything that can go wrong, and all given back at the end', async () => {
    const pool = hostPool({ max: 12 })
    const { storage } = await opened({ pool })
    await makeLock(storage)
    const fail = (): Promise<never> => Promise.reject(new Error('no'))
    const troubles = [
      () => storage.snapshot(fail),
      () => storage.transact('default', fail),
      () => storage.transact('default', async (tx) => tx.insert('locks', { tenant: 'default' })),
      () => storage.transact('default', async (tx) => tx.append('locks', [{ tenant: 'default' }])),
      () => storage.transact('default', async (tx) => tx.range('nowhere', { prefix: [], limit: 1 })),
      () => storage.transact('default', async () => undefined, { signal: AbortSignal.abort() }),
      () => {
        const controller = new AbortController()
        const ended = storage.transact('default', () => new Promise(() => undefined), { signal: controller.signal })
        setImmediate(() => controller.abort())
        return ended
      },
    ]
    for (let round = 0; round < 60; round++) {
      await Promise.allSettled(troubles.map((trouble) => trouble()))
      expect(pool.totalCount).toBeLessThanOrEqual(12)
    }
    await put(storage, 1)
    expect(pool.waitingCount).toBe(0)
    const client = await pool.connect()
    expect(client.listenerCount('error')).toBeLessThanOrEqual(1)
    client.release()
    await storage.close()
    expect(pool.totalCount - pool.idleCount).toBe(0)
    expect(pool.listenerCount('error')).toBe(0)
  })

  test('keep their number over thousands of operations', async () => {
    const pool = hostPool({ max: 30 })
    const { storage } = await opened({ pool })
    await makeLock(storage)
    let created = 0
    pool.on('connect', () => created++)
    for (let round = 0; round < 40; round++) {
      await Promise.all([
        ...Array.from({ length: 25 }, () => storage.snapshot((view) => view.get('locks', ['default']))),
        ...Array.from({ length: 5 }, () => storage.transact('default', (tx) => tx.get('locks', ['default']))),
      ])
    }
    expect(created).toBeLessThanOrEqual(30)
    expect(pool.totalCount).toBeLessThanOrEqual(30)
  })

  test('that are lost while nobody uses them end no process, and the next use has others', async () => {
    const name = 'F98 lost'
    const pool = hostPool({ application_name: name, max: 5 })
    const { storage } = await opened({ pool })
    await makeLock(storage)
    for (let round = 0; round < 5; round++) {
      await disconnect(name)
      await vi.waitFor(async () => put(storage, round), { timeout: 2000, interval: 10 })
      await vi.waitFor(async () => sizesIn(storage), { timeout: 2000, interval: 10 })
    }
    expect(await sizesIn(storage)).toEqual([0, 1, 2, 3, 4])
  })

  test('that are kept outlive the end of their pool, which waits for them', async () => {
    const pool = hostPool()
    const { storage } = fresh({ pool })
    await storage.open(tables)
    await storage.migrate()
    const ending = pool.end()
    await put(storage, 1)
    expect(await sizesIn(storage)).toEqual([1])
    await storage.close()
    await ending
  })
})
