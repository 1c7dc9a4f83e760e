import type { StorageTransaction } from '@chatelaine/core/storage'
import { describe, expect, test } from 'vitest'
import { failureOf } from '../support/failures.ts'
import { checkpoint, hostPool, makeLock, opened, sizesIn } from '../support/postgres-storage.ts'

interface Asked {
  readonly text: string
}

/** A pool whose server can be made to refuse BEGIN, as one does that a pooler leads to and that has become a standby. */
function refusing(pipeline: boolean) {
  const pool = hostPool({ pipeline })
  const state = { isRefusing: false }
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (asked: Asked) => Promise<unknown>
    const refusable = async (asked: Asked): Promise<unknown> => {
      const isRefused = state.isRefusing && asked.text.startsWith('begin isolation level read committed')
      return query(isRefused ? { ...asked, text: 'select 1 / 0' } : asked)
    }
    Object.assign(client, { query: refusable })
  })
  return { pool, state }
}

const readThenWrite = async (tx: StorageTransaction): Promise<void> => {
  await tx.range('checkpoints', { prefix: ['default'], limit: 1 })
  await Promise.all([tx.append('checkpoints', [checkpoint(1)]), tx.insert('checkpoints', checkpoint(2))])
}

const writeAtOnce = async (tx: StorageTransaction): Promise<void> => {
  const [, , seen] = await Promise.all([
    tx.insert('checkpoints', checkpoint(1)),
    tx.append('checkpoints', [checkpoint(2), checkpoint(3)]),
    tx.range('checkpoints', { prefix: ['default'], limit: 9 }),
    tx.remove('checkpoints', ['default', 3]),
  ])
  expect(seen).toHaveLength(3)
}

describe.each([true, false])('a transaction that is asked early and does not begin, with pipeline %s,', (pipeline) => {
  test.each([
    ['after it has read', readThenWrite],
    ['at once', writeAtOnce],
  ])('leaves nothing of what it writes %s', async (_, write) => {
    const { pool, state } = refusing(pipeline)
    const { storage } = await opened({ pool })
    await makeLock(storage)
    state.isRefusing = true
    expect(await failureOf(storage.transact('default', write, { early: true }))).toMatchObject({ outcome: 'none' })
    expect(await sizesIn(storage)).toEqual([])
    state.isRefusing = false
    await storage.transact('default', write, { early: true })
    expect(await sizesIn(storage)).toEqual([1, 2])
  })

  test('reads nothing more once that is known: what it has read may have moved on', async () => {
    const { pool, state } = refusing(pipeline)
    const { storage } = await opened({ pool })
    await makeLock(storage)
    let answered = 0
    const readOn = async (tx: StorageTransaction): Promise<void> => {
      for (let more = 0; more < 3; more++) {
        await tx.range('checkpoints', { prefix: ['default'], limit: 1 })
        answered += 1
      }
    }
    state.isRefusing = true
    expect(await failureOf(storage.transact('default', readOn, { early: true }))).toMatchObject({ outcome: 'none' })
    expect(answered).toBeLessThan(2)
    state.isRefusing = false
    await storage.transact('default', readOn, { early: true })
    expect(answered).toBeGreaterThan(2)
  })
})
