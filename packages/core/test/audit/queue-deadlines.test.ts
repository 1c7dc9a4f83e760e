import { beforeEach, describe, expect, test } from 'vitest'
import type { Entry } from '../../src/audit/entry.ts'
import { aborted, Queue, type Pending, type Waiter } from '../../src/audit/queue.ts'
import { AuditUnavailableError, isKmsError } from '../../src/errors.ts'
import { useOf, waiter } from '../support/audit-entries.ts'
import { done, QueueBench, settleAll } from '../support/audit-queue.ts'
import { codeOf, settle, watch } from '../support/audit-world.ts'

let bench: QueueBench
let queue: Queue
beforeEach(() => {
  bench = new QueueBench()
  ;({ queue } = bench)
})

const add = (entry?: Entry, who?: Waiter) => bench.add(entry, who)
const many = (count: number, entry?: Entry) => bench.many(count, entry)

const outcomeOf = (error: unknown): unknown => (error instanceof AuditUnavailableError ? error.outcome : undefined)

describe('deadlines', () => {
  test('E72 whatever waits is settled by its own: none while it waits, unknown while it is in flight', async () => {
    const first = add()
    const [pending] = queue.take() as [Pending]
    pending.inFlight = true
    bench.clock.advance(400)
    const second = add()
    bench.clock.advance(599)
    await settle()
    expect([first.state, second.state]).toEqual(['pending', 'pending'])
    bench.clock.advance(1)
    await settle()
    expect([first.state, second.state]).toEqual(['failed', 'pending'])
    expect(outcomeOf(first.error)).toBe('unknown')
    expect(first.error).toMatchObject({ message: 'the audit record was not durable before the deadline' })
    bench.clock.advance(399)
    await settle()
    expect(second.state).toBe('pending')
    bench.clock.advance(1)
    await settle()
    expect(outcomeOf(second.error)).toBe('none')
    expect([queue.size, bench.timers]).toEqual([0, 0])
  })

  test('all that are due at one time are settled at that time', async () => {
    const waiting = many(5)
    bench.clock.advance(1000)
    await settle()
    expect(waiting.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'failed'))
  })

  test('who waits again keeps the deadline of the first time', async () => {
    const who = waiter()
    add(useOf(), who)
    settleAll(queue.take())
    bench.clock.advance(700)
    const again = add(useOf(), who)
    const other = add()
    bench.clock.advance(299)
    await settle()
    expect(again.state).toBe('pending')
    bench.clock.advance(1)
    await settle()
    expect([again.state, other.state]).toEqual(['failed', 'pending'])
    bench.clock.advance(700)
    await settle()
    expect(other.state).toBe('failed')
  })

  test('a deadline that is over already is kept too', async () => {
    const late = add(useOf(), { signal: undefined, deadline: { at: bench.clock.monotonic() - 5 } })
    bench.clock.advance(0)
    await settle()
    expect(late.state).toBe('failed')
  })

  test('there is one timer, and none when nothing waits', async () => {
    expect(bench.timers).toBe(0)
    many(10)
    expect(bench.timers).toBe(1)
    bench.clock.advance(100)
    many(10)
    expect(bench.timers).toBe(1)
    settleAll(queue.take())
    expect([bench.timers, queue.size]).toEqual([0, 0])
    const later = add()
    expect(bench.timers).toBe(1)
    bench.clock.advance(1000)
    await settle()
    expect(later.state).toBe('failed')
  })

  test('a timer that goes off early expires nothing', async () => {
    let early: (() => void) | undefined
    const after = (_: number, callback: () => void): (() => void) => {
      early ??= callback
      return () => undefined
    }
    bench.queue = new Queue(bench.clock, { turn: bench.clock.turn.bind(bench.clock), after }, 1000)
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
    expect([queue.size, queue.hasWaiting, bench.timers]).toEqual([0, false, 0])
  })

  test('of after does nothing', async () => {
    const { signal } = new AbortController()
    const heard = new Map<unknown, unknown>()
    signal.addEventListener = (type: string, listener: unknown): void => {
      heard.set(type, listener)
    }
    signal.removeEventListener = (type: string, listener: unknown): void => {
      if (heard.get(type) === listener) heard.delete(type)
    }
    const waiting = add(useOf(), waiter(signal))
    expect([...heard.keys()]).toEqual(['abort'])
    settleAll(queue.take())
    await settle()
    expect([waiting.state, heard.size]).toEqual(['done', 0])
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
