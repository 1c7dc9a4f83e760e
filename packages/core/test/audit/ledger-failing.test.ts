import { beforeEach, describe, expect, test } from 'vitest'
import type { Ledger } from '../../src/audit/ledger.ts'
import { AuditUnavailableError, isKmsError, StorageTamperedError } from '../../src/errors.ts'
import { StorageConflict, StorageFailure } from '../../src/storage/errors.ts'
import type { FakeClock } from '../../src/testing.ts'
import { namedUse, waiter } from '../support/audit-entries.ts'
import { fail, LedgerBench, transient, type Stage } from '../support/audit-stage.ts'
import { settle, until } from '../support/audit-world.ts'

let clock: FakeClock
let stage: Stage
let ledger: Ledger
let bench: LedgerBench
beforeEach(() => {
  bench = new LedgerBench()
  ;({ clock, stage, ledger } = bench)
})

const use = (name: string, signal?: AbortSignal) => bench.use(name, signal)
const change = (name: string) => bench.change(name)

const broken = new Error('broken')

describe('E71 a commit that fails', () => {
  test('for a reason of ours fails all of the batch, each with an error of its own', async () => {
    const cause = new Error('why')
    stage.plan = [fail(new StorageTamperedError('it does not verify', { cause }))]
    const both = [use('a'), change('b')]
    await until(() => both.every(({ state }) => state === 'failed'))
    for (const { error } of both) {
      expect(isKmsError(error, 'STORAGE_TAMPERED')).toBe(true)
      expect(error).toMatchObject({ message: 'it does not verify', cause })
    }
    expect(both[0]?.error).not.toBe(both[1]?.error)
    expect(stage.batches).toHaveLength(1)
  })

  test('for a moment is tried again as it is, after ever longer pauses', async () => {
    stage.plan = Array.from({ length: 10 }, () => fail(transient))
    const waiting = [use('a'), change('b')]
    await bench.advanceUntil(() => waiting.every(({ state }) => state === 'done'))
    expect(bench.delays).toEqual([1000, 1, 2, 4, 8, 16, 32, 64, 100, 100, 100])
    expect(stage.batches).toEqual(Array.from({ length: 11 }, () => ['a', 'b']))
  })

  test('because of a clash is tried again too', async () => {
    stage.plan = [fail(new StorageConflict('taken'))]
    const waiting = [use('a'), change('b')]
    await bench.advanceUntil(() => waiting.every(({ state }) => state === 'done'))
    expect(stage.batches).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
  })

  test('is not tried again for whom nobody waits any more', async () => {
    const aborting = new AbortController()
    stage.plan = [fail(transient), fail(transient)]
    const [a, b] = [use('a', aborting.signal), use('b')]
    await until(() => stage.batches.length === 1)
    aborting.abort()
    await bench.advanceUntil(() => b.state === 'done')
    expect(a.state).toBe('failed')
    expect(stage.batches).toEqual([['a', 'b'], ['b'], ['b']])
  })

  test('is tried again for whoever still waits, when others were settled by it', async () => {
    const aborting = new AbortController()
    stage.plan = [
      () => {
        aborting.abort()
        throw transient
      },
    ]
    const [a, b] = [use('a', aborting.signal), use('b')]
    await bench.advanceUntil(() => b.state === 'done')
    expect([a.state, stage.batches]).toEqual(['failed', [['a', 'b'], ['b']]])
  })

  test('for good is tried again as the uses alone, then each change alone: one poisoned request fails no other', async () => {
    const poisoned = (names: string[]): void => {
      if (names.includes('bad')) throw broken
    }
    stage.plan = Array.from({ length: 20 }, () => poisoned)
    const entries = [change('c1'), use('u1'), change('bad'), use('u2'), change('c2')]
    await until(() => ledger.waiting === 0)
    await settle()
    expect(stage.batches).toEqual([['c1', 'u1', 'bad', 'u2', 'c2'], ['u1', 'u2'], ['c1'], ['bad'], ['bad'], ['c2']])
    expect(entries.map(({ state }) => state)).toEqual(['done', 'done', 'failed', 'done', 'done'])
    const { error } = entries[2] as { error?: unknown }
    expect(error).toBeInstanceOf(AuditUnavailableError)
    expect(error).toMatchObject({ outcome: 'none', cause: broken, message: 'the audit record could not be written' })
  })

  test('for good is tried again as each use alone, where there are only uses', async () => {
    stage.plan = Array.from({ length: 20 }, () => (names: string[]) => {
      if (names.includes('bad')) throw broken
    })
    const entries = [use('u1'), use('bad'), use('u2')]
    await until(() => ledger.waiting === 0)
    await settle()
    expect(stage.batches).toEqual([['u1', 'bad', 'u2'], ['u1'], ['bad'], ['bad'], ['u2']])
    expect(entries.map(({ state }) => state)).toEqual(['done', 'failed', 'done'])
  })

  test('for good is tried again as each change alone, where there are only changes', async () => {
    stage.plan = [fail(broken)]
    const entries = [change('c1'), change('c2')]
    await until(() => entries.every(({ state }) => state === 'done'))
    expect(stage.batches).toEqual([['c1', 'c2'], ['c1'], ['c2']])
  })

  test('alone is tried once more', async () => {
    stage.plan = [fail(broken)]
    expect(await ledger.append(namedUse('a'), waiter())).toEqual({ seq: 100 })
    expect(stage.batches).toEqual([['a'], ['a']])
  })

  test('with a failure that is not transient is a failure for good', async () => {
    const failure = new StorageFailure('read-only', { transient: false, outcome: 'none' })
    stage.plan = [fail(failure), fail(failure)]
    const alone = use('a')
    await until(() => alone.state === 'failed')
    expect(alone.error).toMatchObject({ code: 'AUDIT_UNAVAILABLE', outcome: 'none', cause: failure })
    expect(stage.batches).toHaveLength(2)
  })

  test.each([[undefined], [null]])('with %s is a failure all the same', async (nothing) => {
    stage.plan = [fail(nothing), fail(nothing)]
    const alone = use('a')
    await until(() => alone.state === 'failed')
    expect((alone.error as Error).cause).toEqual(new Error('the storage failed without saying why'))
  })

  test('and what throws in a listener, harms nobody', async () => {
    ledger.onCommit(() => fail(broken)())
    expect(await ledger.append(namedUse('a'), waiter())).toEqual({ seq: 100 })
    expect(await ledger.append(namedUse('b'), waiter())).toEqual({ seq: 101 })
    expect(stage.batches).toEqual([['a'], ['b']])
  })
})

describe('E72 a commit that hangs', () => {
  const hang = async (): Promise<void> => new Promise(() => undefined)

  test('is told that nobody waits any more: when the last is settled, not before', async () => {
    stage.plan = [hang]
    const aborting = new AbortController()
    const [a, b] = [use('a', aborting.signal), use('b')]
    await until(() => stage.signals.length === 1)
    aborting.abort()
    await settle()
    expect([a.state, b.state, stage.signals[0]?.aborted]).toEqual(['failed', 'pending', false])
    clock.advance(1000)
    await settle()
    expect([b.state, stage.signals[0]?.aborted]).toEqual(['failed', true])
    expect(b.error).toMatchObject({ code: 'AUDIT_UNAVAILABLE', outcome: 'unknown' })
  })

  test('a commit that succeeds is never told so', async () => {
    await ledger.append(namedUse('a'), waiter())
    expect(stage.signals[0]?.aborted).toBe(false)
  })

  test('what waits behind it has certainly not happened', async () => {
    stage.plan = [hang]
    use('a')
    await until(() => stage.signals.length === 1)
    const behind = change('b')
    clock.advance(1000)
    await settle()
    expect(behind.error).toMatchObject({ code: 'AUDIT_UNAVAILABLE', outcome: 'none' })
  })

  test('what waits for another attempt has certainly not happened', async () => {
    stage.plan = Array.from({ length: 100 }, () => fail(transient))
    const waiting = use('a')
    await bench.advanceUntil(() => waiting.state === 'failed')
    expect(waiting.error).toMatchObject({ code: 'AUDIT_UNAVAILABLE', outcome: 'none' })
    expect(clock.monotonic()).toBeGreaterThanOrEqual(1000)
  })

  test('after a failure it waits for nobody, where nobody waits', async () => {
    const aborting = new AbortController()
    stage.plan = [
      () => {
        aborting.abort()
        throw transient
      },
    ]
    use('a', aborting.signal)
    await until(() => stage.batches.length === 1)
    const next = use('b')
    await settle()
    expect(next.state).toBe('done')
  })
})

describe('E72 a commit that is told that nobody waits', () => {
  test('and settles, leaves no timer behind', async () => {
    const told = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(transient))
      })
    stage.plan = [async (_, signal) => told(signal)]
    const aborting = new AbortController()
    use('a', aborting.signal)
    await until(() => stage.signals.length === 1)
    aborting.abort()
    await settle()
    expect(bench.timers).toBe(0)
    expect(await ledger.append(namedUse('b'), waiter())).toEqual({ seq: 100 })
    expect(bench.timers).toBe(0)
  })

  test('and does not settle, is left to itself, and what it comes to later changes nothing', async () => {
    const late = Promise.withResolvers<void>()
    stage.plan = [async () => late.promise]
    const aborting = new AbortController()
    const first = use('a', aborting.signal)
    await until(() => stage.signals.length === 1)
    aborting.abort()
    await settle()
    clock.advance(999)
    const next = use('b')
    await settle()
    expect(stage.batches).toEqual([['a']])
    clock.advance(1)
    await until(() => next.state === 'done')
    late.resolve()
    await settle()
    expect([first.state, next.value, stage.batches]).toEqual(['failed', { seq: 100 }, [['a'], ['b']]])
  })
})
