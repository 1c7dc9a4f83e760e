import { beforeEach, describe, expect, test } from 'vitest'
import { catchUp } from '../../src/audit/catch-up.ts'
import { limits } from '../../src/internal/defaults.ts'
import { StateCache } from '../../src/state/cache.ts'
import type { Query } from '../../src/state/query.ts'
import type { StorageReader } from '../../src/storage/adapter.ts'
import type { Head } from '../../src/audit/head.ts'
import { Log } from '../support/audit-log.ts'
import { codeOf } from '../support/audit-world.ts'

const keyOf = (id: string): Query<string> => ({ table: 'keys', key: [id], decode: () => id })

let log: Log
let cache: StateCache
let reads: number
beforeEach(async () => {
  log = await Log.of({ records: 10, isChange: (seq) => seq % 2 === 1 })
  cache = new StateCache()
  reads = 0
})

const catchUpTo = async (head: Head): Promise<void> =>
  log.shelf.read(async (reader) => {
    const watched: StorageReader = {
      range: async (table, range) => reader.range(table, range),
      get: async (table, key) => {
        reads += 1
        return reader.get(table, key)
      },
    }
    await catchUp(watched, cache, head)
  })

/** Everything that changes touch here, and something that they do not. */
function fill(revision: number): void {
  for (let seq = 0; seq < 10; seq++) cache.put(keyOf(`k${seq}`), 'cached', revision)
}
const known = (): string[] =>
  Array.from({ length: 10 }, (_, seq) => `k${seq}`).filter((id) => cache.get(keyOf(id)) !== undefined)

describe('catching up', () => {
  test('forgets what the changes since then have touched, and nothing else', async () => {
    cache.restart(3)
    fill(3)
    await catchUpTo(log.head)
    expect([cache.revision, reads]).toEqual([5, 2])
    expect(known()).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k8'])
  })

  test('from the very beginning', async () => {
    fill(0)
    await catchUpTo(log.head)
    expect([cache.revision, reads]).toEqual([5, 5])
    expect(known()).toEqual(['k0', 'k2', 'k4', 'k6', 'k8'])
  })

  test.each([[5], [6]])('does nothing at revision %i', async (revision) => {
    cache.restart(revision)
    fill(revision)
    await catchUpTo(log.head)
    expect([cache.revision, reads, known().length]).toEqual([revision, 0, 10])
  })

  test.each([
    { count: 1000, means: 'reads them all', expected: 1000, left: 1 },
    { count: 1001, means: 'forgets everything instead', expected: 0, left: 0 },
  ])('of $count changes $means', async ({ count, expected, left }) => {
    expect(limits.catchUpChanges).toBe(1000)
    log = await Log.of({ records: count, isChange: () => true })
    cache.put(keyOf('untouched'), 'cached', 0)
    await catchUpTo(log.head)
    expect([cache.revision, reads]).toEqual([count, expected])
    expect(cache.get(keyOf('untouched')) === undefined ? 0 : 1).toBe(left)
  })
})

describe('E80 a change that is not the one that the chain names', () => {
  const expectRefusal = async (message: string, head = log.head): Promise<void> => {
    fill(0)
    await expect(catchUpTo(head)).rejects.toThrow(message)
    expect(await codeOf(catchUpTo(head))).toBe('STORAGE_TAMPERED')
    expect([cache.revision, known().length]).toEqual([0, 10])
  }
  const notNamed = 'the record of a change is not the one that the chain names'

  test('is missing', async () => {
    await log.shelf.tamper(async (tx) => tx.remove('records', ['default', 5]))
    await expectRefusal(notNamed)
  })

  test('says something else, with or without a hash that fits', async () => {
    await log.edit(5, (row) => ({ ...row, text: `${row['text'] as string} ` }))
    await expectRefusal(notNamed)
    await log.rewrite(5, (body) => ({ ...body, actor: 'mallory' }))
    await expectRefusal(notNamed)
  })

  test('is the last one that the head names, and has another hash', async () => {
    await expectRefusal(notNamed, { ...log.head, lastChangeHash: Buffer.alloc(32) })
    await expectRefusal(notNamed, { ...log.head, lastChange: 7 })
  })

  test('is of no change', async () => {
    const [, , row] = await log.shelf.rows('records')
    const head = { ...log.head, lastChange: 2, lastChangeHash: Buffer.from(row?.['hash'] as Uint8Array) }
    await expectRefusal('the chain names a record that is not of a change', head)
  })

  test.each([[null], [1], ['x'], [[]], [{}], [{ revision: 5, rows: 1 }]])(
    'says %j where a change should be',
    async (change) => {
      await log.rewrite(9, (body) => ({ ...body, change }))
      const row = (await log.shelf.rows('records')).at(-1)
      const head = { ...log.head, lastChangeHash: Buffer.from(row?.['hash'] as Uint8Array) }
      expect(await codeOf(catchUpTo(head))).toBe('STORAGE_TAMPERED')
    },
  )

  test('follows no other', async () => {
    await expectRefusal('the records of changes do not follow each other', { ...log.head, revision: 4 })
    await expectRefusal('the records of changes do not follow each other', { ...log.head, revision: 6 })
  })
})
