import { beforeEach, describe, expect, test } from 'vitest'
import { HeadGuard } from '../../src/audit/head-guard.ts'
import { late, LiveView, storageErrors } from '../../src/audit/live-view.ts'
import { ConflictError, isKmsError } from '../../src/errors.ts'
import { Alarm } from '../../src/state/tree/alarm.ts'
import { NodeCache } from '../../src/state/tree/node-cache.ts'
import { Trees } from '../../src/state/tree/trees.ts'
import { reRoot } from '../support/re-root.ts'
import { StateCache } from '../../src/state/cache.ts'
import type { Query } from '../../src/state/query.ts'
import { fakeClock, type FakeClock } from '../../src/testing.ts'
import { Log, macKey } from '../support/audit-log.ts'
import type { Between } from '../support/audit-storage.ts'
import { codeOf, settle, until, watch } from '../support/audit-world.ts'

const nameOf = (name: string): Query<string | undefined> => ({
  table: 'names',
  key: ['x', name],
  decode: (rows) => rows[0]?.['target'] as string | undefined,
})

let log: Log
let clock: FakeClock
let cache: StateCache
let guard: HeadGuard
let between: Between
let snapshots: number
let view: LiveView
beforeEach(async () => {
  log = await Log.of({ records: 4, isChange: () => true })
  await store('a', 'first')
  clock = fakeClock()
  cache = new StateCache()
  guard = new HeadGuard('default', () => macKey)
  snapshots = 0
  between = {
    snapshot: async (next) => {
      snapshots += 1
      return next()
    },
  }
  const trees = new Trees('default', new NodeCache(), new Alarm())
  const patience = { timers: clock, deadlineMs: 1000 }
  view = new LiveView({ storage: log.shelf.adapter(between), tenant: 'default', cache, guard, patience, trees })
})

const store = async (name: string, target: string): Promise<void> =>
  log.shelf.tamper(async (tx) => {
    await tx.insert('names', { tenant: 'default', space: 'x', name, target, kind: 'n', rev: 1 })
    await reRoot(tx, 'default', () => macKey)
  })

describe('a question to the state', () => {
  test('is answered from one snapshot, then from the cache, at once', async () => {
    expect(await view.read(nameOf('a'))).toBe('first')
    expect([cache.revision, guard.seen?.size, snapshots]).toEqual([4, 4, 1])
    expect(view.read(nameOf('a'))).toBe('first')
    expect(snapshots).toBe(1)
  })

  test('that has no answer is remembered too', async () => {
    expect(await view.read(nameOf('none'))).toBeUndefined()
    expect(view.read(nameOf('none'))).toBeUndefined()
    expect(snapshots).toBe(1)
  })

  test('asked by many at once is asked once', async () => {
    const answers = ['a', 'a', 'b'].map(async (name) => view.read(nameOf(name)))
    expect(await Promise.all(answers)).toEqual(['first', 'first', undefined])
    expect(snapshots).toBe(2)
  })

  test('asked again after a failure is asked anew', async () => {
    const { snapshot } = between
    between.snapshot = async () => Promise.reject(new Error('no disk'))
    expect(await codeOf(Promise.resolve(view.read(nameOf('a'))))).toBe('STORAGE_UNAVAILABLE')
    between.snapshot = snapshot as NonNullable<typeof snapshot>
    expect(await view.read(nameOf('a'))).toBe('first')
  })

  test('that fails for the first who asks is asked anew by those who only came along', async () => {
    const { snapshot } = between
    let failures = 1
    between.snapshot = async (next) => {
      snapshots += 1
      if (failures-- > 0) throw new Error('no disk')
      return next()
    }
    const asked = Array.from({ length: 3 }, async () => view.read(nameOf('a')))
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(snapshots).toBe(3)
    between.snapshot = snapshot as NonNullable<typeof snapshot>
    expect(view.read(nameOf('a'))).toBe('first')
  })

  test('that fails for a reason of ours fails for all who came along', async () => {
    guard.saw({ ...log.head, size: 9 })
    const asked = Array.from({ length: 3 }, async () => codeOf(Promise.resolve(view.read(nameOf('a')))))
    expect(await Promise.all(asked)).toEqual(['ROLLBACK_DETECTED', 'ROLLBACK_DETECTED', 'ROLLBACK_DETECTED'])
    expect(snapshots).toBe(1)
  })

  test('E72 that was not answered in time is not asked by those who came along, but by whoever comes later', async () => {
    const { snapshot } = between
    between.snapshot = async () => {
      snapshots += 1
      return new Promise(() => undefined)
    }
    const asked = Array.from({ length: 3 }, () => watch(Promise.resolve(view.read(nameOf('a')))))
    await settle()
    clock.advance(1000)
    await settle()
    expect([asked.map(({ state }) => state), snapshots]).toEqual([['failed', 'failed', 'failed'], 1])
    between.snapshot = snapshot as NonNullable<typeof snapshot>
    expect(await view.read(nameOf('a'))).toBe('first')
  })

  test('asked at another revision is asked anew, and an answer of before is not kept', async () => {
    const lift = Promise.withResolvers<void>()
    between.snapshot = async (next) => {
      snapshots += 1
      const result = await next()
      await lift.promise
      return result
    }
    between.reader = (reader) => ({
      range: async (table, range) => reader.range(table, range),
      get: async (table, key) => {
        const row = await reader.get(table, key)
        if (table === 'names') cache.restart(cache.revision + 1)
        return row
      },
    })
    const first = watch(Promise.resolve(view.read(nameOf('a'))))
    await until(() => cache.revision === 5)
    const second = watch(Promise.resolve(view.read(nameOf('a'))))
    lift.resolve()
    await until(() => first.state === 'done' && second.state === 'done')
    expect([first.value, second.value, snapshots]).toEqual(['first', 'first', 2])
    expect(cache.get(nameOf('a'))).toBeUndefined()
  })
})

describe('a snapshot', () => {
  test('brings the cache along, and shows the head', async () => {
    cache.put(nameOf('x'), 'stale', 0)
    const size = await view.snapshot(async (_, head) => head.size)
    expect([size, cache.revision, guard.seen?.size]).toEqual([4, 4, 4])
  })

  test('E81 of a chain that is older than one seen before it began is not believed', async () => {
    guard.saw({ ...log.head, size: 5 })
    expect(await codeOf(view.snapshot(async () => 1))).toBe('ROLLBACK_DETECTED')
    expect(await codeOf(Promise.resolve(view.read(nameOf('a'))))).toBe('ROLLBACK_DETECTED')
  })

  test('that began before a newer head was seen is no alarm', async () => {
    between.reader = (reader) => {
      guard.saw({ ...log.head, size: 9 })
      return reader
    }
    expect(await view.snapshot(async (_, head) => head.size)).toBe(4)
    expect(guard.seen?.size).toBe(9)
  })

  test('E72 that hangs is given up at the deadline', async () => {
    between.snapshot = async () => new Promise(() => undefined)
    const both = [watch(view.snapshot(async () => 1)), watch(Promise.resolve(view.read(nameOf('a'))))]
    clock.advance(999)
    await settle()
    expect(both.map(({ state }) => state)).toEqual(['pending', 'pending'])
    clock.advance(1)
    await settle()
    for (const { error } of both) {
      expect(isKmsError(error, 'STORAGE_UNAVAILABLE')).toBe(true)
      expect(error).toMatchObject({ message: 'the storage did not answer before the deadline' })
    }
    expect(late()).not.toBe(late())
  })
})

describe('what a storage throws', () => {
  test('is STORAGE_UNAVAILABLE with its cause, unless it is ours already', async () => {
    const cause = new Error('no disk')
    const failed: unknown = await storageErrors(Promise.reject(cause)).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'STORAGE_UNAVAILABLE', cause, message: 'the storage could not be read' })
    const ours = new ConflictError('ours')
    await expect(storageErrors(Promise.reject(ours))).rejects.toBe(ours)
    expect(await storageErrors(Promise.resolve(7))).toBe(7)
  })
})
