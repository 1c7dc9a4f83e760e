import { beforeEach, describe, expect, test } from 'vitest'
import { aborted, Queue, type Pending } from '../../src/audit/queue.ts'
import { AuditUnavailableError, isKmsError } from '../../src/errors.ts'
import { limits } from '../../src/internal/defaults.ts'
import type { Recorded } from '../../src/stages.ts'
import { fakeClock, type FakeClock } from '../../src/testing.ts'
import { changeOf, draft, useOf, waiter } from '../support/audit-entries.ts'
import { codeOf, settle, watch } from '../support/audit-world.ts'

let clock: FakeClock
let timers: number
let queue: Queue
beforeEach(() => {
  clock = fakeClock()
  timers = 0
  const counted = {
    turn: clock.turn.bind(clock),
    after: (delayMs: number, callback: () => void) => {
      timers += 1
      const stop = clock.after(delayMs, callback)
      return () => {
        timers -= 1
        stop()
      }
    },
  }
  queue = new Queue(clock, counted, 1000)
})

const add = (entry = useOf(), who = waiter()) => watch(queue.add(entry, who))
const many = (count: number, entry = useOf()) => Array.from({ length: count }, () => add(entry))
const done = { seq: 1 } as Recorded
const settleAll = (batch: readonly Pending[]): void => {
  for (const pending of batch) pending.settle(done)
}
const outcomeOf = (error: unknown): unknown => (error instanceof AuditUnavailableError ? error.outcome : undefined)

describe('what waits', () => {
  test('is taken once, in the order in which it came', async () => {
    const entries = [useOf(), changeOf('a'), useOf()]
    for (const entry of entries) add(entry)
    expect([queue.size, queue.hasWaiting]).toEqual([3, true])
    const batch = queue.take()
    expect(batch.map(({ entry }) => entry)).toEqual(entries)
    expect([queue.size, queue.hasWaiting]).toEqual([3, false])
    expect(queue.take()).toEqual([])
    settleAll(batch)
    expect(queue.size).toBe(0)
  })

  test('is settled once, by whatever comes first', async () => {
    const waiting = add()
    const [pending] = queue.take() as [Pending]
    let told = 0
    pending.whenSettled = () => (told += 1)
    expect(pending.settled).toBe(false)
    pending.settle('again')
    pending.settle(done)
    pending.settle(new AuditUnavailableError('', 'none'))
    await settle()
    expect(waiting).toEqual({ state: 'done', value: 'again' })
    expect([pending.settled, told, queue.size]).toEqual([true, 1, 0])
  })

  test('counts as one record where it is a change, or has none', () => {
    add(useOf({ drafts: [] }))
    add(changeOf('a'))
    add(useOf({ drafts: [draft, draft, draft] }))
    expect(queue.take().map(({ records, recordBytes }) => [records, recordBytes])).toEqual([
      [1, 0],
      [1, 0],
      [3, 3 * 480],
    ])
  })
})

describe('a batch', () => {
  const records = (count: number) => useOf({ drafts: Array.from({ length: count }, () => draft) })

  test('has at most 256 records', () => {
    many(300)
    expect(queue.take()).toHaveLength(256)
    expect(queue.take()).toHaveLength(44)
  })

  test('counts the records, not the entries', () => {
    for (const count of [200, 56, 1, 255, 2]) add(records(count))
    expect(queue.take().map((pending) => pending.records)).toEqual([200, 56])
    expect(queue.take().map((pending) => pending.records)).toEqual([1, 255])
    expect(queue.take().map((pending) => pending.records)).toEqual([2])
  })

  test('has one entry at least, however many records that has', () => {
    add(records(1000))
    add(records(1))
    expect(queue.take().map((pending) => pending.records)).toEqual([1000])
    expect(queue.take().map((pending) => pending.records)).toEqual([1])
  })

  test('leaves out what was settled meanwhile', () => {
    const aborting = new AbortController()
    add()
    add(useOf(), waiter(aborting.signal))
    add()
    aborting.abort()
    expect(queue.take()).toHaveLength(2)
  })
})

describe('bounds', () => {
  test('10,000 records wait, and not one more', async () => {
    const drafts = Array.from({ length: 1000 }, () => draft)
    many(9, useOf({ drafts }))
    many(999)
    add(changeOf('a'))
    expect(queue.size).toBe(1009)
    expect(await codeOf(queue.add(useOf(), waiter()))).toBe('AUDIT_OVERLOADED')
    await expect(queue.add(changeOf('b'), waiter())).rejects.toThrow('too many operations wait for their records')
    settleAll(queue.take())
    expect(add().state).toBe('pending')
    await settle()
    expect(queue.size).toBe(1009)
  })

  test('16 MiB of records wait, and not a byte more', async () => {
    const ofBytes = (bytes: number) => useOf({ drafts: [{ ...draft, reason: 'x'.repeat(bytes - 480) }] })
    add(ofBytes(limits.queuedRecordBytes - 1000))
    expect(await codeOf(queue.add(ofBytes(1001), waiter()))).toBe('AUDIT_OVERLOADED')
    add(ofBytes(1000))
    expect(await codeOf(queue.add(ofBytes(480), waiter()))).toBe('AUDIT_OVERLOADED')
    add(changeOf('costs nothing'))
    await settle()
    expect(queue.size).toBe(3)
    settleAll(queue.take())
    add(ofBytes(limits.queuedRecordBytes))
    expect(queue.size).toBe(1)
  })

  test('256 MiB of results wait, and not a byte more', async () => {
    add(useOf({ resultBytes: limits.queuedResultBytes - 10 }))
    expect(await codeOf(queue.add(useOf({ resultBytes: 11 }), waiter()))).toBe('AUDIT_OVERLOADED')
    add(useOf({ resultBytes: 10 }))
    expect(await codeOf(queue.add(useOf({ resultBytes: 1 }), waiter()))).toBe('AUDIT_OVERLOADED')
    add(changeOf('holds no result'))
    await settle()
    expect(queue.size).toBe(3)
    settleAll(queue.take())
    add(useOf({ resultBytes: limits.queuedResultBytes }))
    expect(queue.size).toBe(1)
  })

  test('what was settled without being taken does not pile up', async () => {
    for (const [settled, taken] of [
      [258, 0],
      [259, 1],
    ] as const) {
      queue = new Queue(clock, clock, 1000)
      many(settled)
      clock.advance(1000)
      await settle()
      expect(queue.size).toBe(0)
      add()
      expect(queue.take()).toHaveLength(taken)
    }
  })

  test('what is open is kept while the settled is dropped', async () => {
    many(300)
    clock.advance(500)
    many(20)
    clock.advance(500)
    await settle()
    expect(queue.size).toBe(20)
    add()
    expect(queue.take()).toHaveLength(21)
  })
})

describe('deadlines', () => {
  test('E72 whatever waits is settled by its own: none while it waits, unknown while it is in flight', async () => {
    const first = add()
    const [pending] = queue.take() as [Pending]
    pending.inFlight = true
    clock.advance(400)
    const second = add()
    clock.advance(599)
    await settle()
    expect([first.state, second.state]).toEqual(['pending', 'pending'])
    clock.advance(1)
    await settle()
    expect([first.state, second.state]).toEqual(['failed', 'pending'])
    expect(outcomeOf(first.error)).toBe('unknown')
    expect(first.error).toMatchObject({ message: 'the audit record was not durable before the deadline' })
    clock.advance(399)
    await settle()
    expect(second.state).toBe('pending')
    clock.advance(1)
    await settle()
    expect(outcomeOf(second.error)).toBe('none')
    expect([queue.size, timers]).toEqual([0, 0])
  })

  test('all that are due at one time are settled at that time', async () => {
    const waiting = many(5)
    clock.advance(1000)
    await settle()
    expect(waiting.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'failed'))
  })

  test('who waits again keeps the deadline of the first time', async () => {
    const who = waiter()
    add(useOf(), who)
    settleAll(queue.take())
    clock.advance(700)
    const again = add(useOf(), who)
    const other = add()
    clock.advance(299)
    await settle()
    expect(again.state).toBe('pending')
    clock.advance(1)
    await settle()
    expect([again.state, other.state]).toEqual(['failed', 'pending'])
    clock.advance(700)
    await settle()
    expect(other.state).toBe('failed')
  })

  test('a deadline that is over already is kept too', async () => {
    const late = add(useOf(), { signal: undefined, deadline: { at: clock.monotonic() - 5 } })
    clock.advance(0)
    await settle()
    expect(late.state).toBe('failed')
  })

  test('there is one timer, and none when nothing waits', async () => {
    expect(timers).toBe(0)
    many(10)
    expect(timers).toBe(1)
    clock.advance(100)
    many(10)
    expect(timers).toBe(1)
    settleAll(queue.take())
    expect([timers, queue.size]).toEqual([0, 0])
    const later = add()
    expect(timers).toBe(1)
    clock.advance(1000)
    await settle()
    expect(later.state).toBe('failed')
  })

  test('a timer that goes off early expires nothing', async () => {
    let early: (() => void) | undefined
    const after = (_: number, callback: () => void): (() => void) => {
      early ??= callback
      return () => undefined
    }
    queue = new Queue(clock, { turn: clock.turn.bind(clock), after }, 1000)
    const waiting = add()
    early?.()
    await settle()
    expect(waiting.state).toBe('pending')
  })
})

describe('an abort', () => {
  test('settles what waits or is in flight, with the signal’s reason, and leaves no listener', async () => {
    const aborting = new AbortController()
    const reason = new Error('enough')
    const waiting = add(useOf(), waiter(aborting.signal))
    const other = add()
    aborting.abort(reason)
    await settle()
    expect(isKmsError(waiting.error, 'ABORTED') && waiting.error.cause).toBe(reason)
    expect(waiting.error).toMatchObject({ message: 'the operation was aborted', name: 'AbortError' })
    expect([other.state, queue.size]).toEqual(['pending', 1])
  })

  test('of before is heard too, and nothing is queued', async () => {
    expect(await codeOf(queue.add(useOf(), waiter(AbortSignal.abort())))).toBe('ABORTED')
    expect([queue.size, queue.hasWaiting, timers]).toEqual([0, false, 0])
  })

  test('of after does nothing', async () => {
    const { signal } = new AbortController()
    let listeners = 0
    signal.addEventListener = () => void (listeners += 1)
    signal.removeEventListener = () => void (listeners -= 1)
    const waiting = add(useOf(), waiter(signal))
    expect(listeners).toBe(1)
    settleAll(queue.take())
    await settle()
    expect([waiting.state, listeners]).toEqual(['done', 0])
  })

  test('without a signal is still an error that says so', () => {
    expect(aborted(undefined)).toMatchObject({ code: 'ABORTED', message: 'the operation was aborted' })
    expect(aborted(undefined).cause).toBeUndefined()
  })
})

describe('becoming empty', () => {
  test('is at once where nothing waits, and else when the last is settled', async () => {
    await queue.whenEmpty()
    many(2)
    const both = [watch(queue.whenEmpty()), watch(queue.whenEmpty())]
    const [first, second] = queue.take() as [Pending, Pending]
    first.settle(done)
    await settle()
    expect(both.map(({ state }) => state)).toEqual(['pending', 'pending'])
    second.settle(done)
    await settle()
    expect(both.map(({ state }) => state)).toEqual(['done', 'done'])
    add()
    const next = watch(queue.whenEmpty())
    await settle()
    expect(next.state).toBe('pending')
  })
})
