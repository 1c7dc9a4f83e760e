import { beforeEach, describe, expect, test } from 'vitest'
import type { Batch, Committer } from '../../src/audit/committer.ts'
import type { Entry } from '../../src/audit/entry.ts'
import { Ledger } from '../../src/audit/ledger.ts'
import { AuditUnavailableError, isKmsError, StorageTamperedError } from '../../src/errors.ts'
import { StorageConflict, StorageFailure } from '../../src/storage/errors.ts'
import { fakeClock, type FakeClock } from '../../src/testing.ts'
import { changeOf, namedUse, waiter } from '../support/audit-entries.ts'
import { codeOf, settle, until, watch } from '../support/audit-world.ts'

const nameOf = (entry: Entry): string =>
  entry.kind === 'use' ? (entry.drafts[0]?.action as string) : entry.refused(new StorageTamperedError('')).action

/** A committer of which the test decides what becomes of each batch. */
class Stage {
  readonly batches: string[][] = []
  readonly signals: AbortSignal[] = []
  /** What the next commits come to; without one, they succeed. */
  plan: ((names: string[], signal: AbortSignal) => Promise<void> | void)[] = []
  again: string[] = []
  #seq = 100

  async commit(entries: readonly Entry[], signal: AbortSignal): Promise<Batch> {
    const names = entries.map(nameOf)
    this.batches.push(names)
    this.signals.push(signal)
    await this.plan.shift()?.(names, signal)
    const seqs = new Map(
      entries.map((entry) => [entry, this.again.includes(nameOf(entry)) ? undefined : this.#seq++] as const),
    )
    return { seqs } as unknown as Batch
  }
}

let clock: FakeClock
let stage: Stage
let ledger: Ledger
/** What timers were set: the deadline, and the pauses. */
let delays: number[]
beforeEach(() => {
  clock = fakeClock()
  stage = new Stage()
  delays = []
  const after = (delayMs: number, callback: () => void): (() => void) => {
    delays.push(delayMs)
    return clock.after(delayMs, callback)
  }
  const timers = { turn: clock.turn.bind(clock), after }
  ledger = new Ledger({ committer: stage as unknown as Committer, clock, timers, deadlineMs: 1000 })
})

const use = (name: string, signal?: AbortSignal) => watch(ledger.append(namedUse(name), waiter(signal)))
const change = (name: string) => watch(ledger.append(changeOf(name), waiter()))
const fail = (error: unknown) => (): never => {
  // oxlint-disable-next-line typescript/only-throw-error -- adapters may throw anything
  throw error
}
const transient = new StorageFailure('busy', { transient: true, outcome: 'none' })
const broken = new Error('broken')

/** Lets pauses end until this holds. */
const advanceUntil = async (holds: () => boolean): Promise<void> =>
  until(() => {
    if (!holds()) clock.advance(1)
    return holds()
  })

describe('batches', () => {
  test('are what is asked for in one turn, and what gathers while the one before commits', async () => {
    const lift = Promise.withResolvers<void>()
    stage.plan = [async () => lift.promise]
    const first = [use('a'), change('b')]
    await settle()
    const second = [use('c'), change('d'), use('e')]
    expect(ledger.waiting).toBe(5)
    await settle()
    expect(stage.batches).toEqual([['a', 'b']])
    lift.resolve()
    await until(() => second.every(({ state }) => state === 'done'))
    expect(stage.batches).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ])
    expect([...first, ...second].map(({ value }) => value)).toEqual([100, 101, 102, 103, 104].map((seq) => ({ seq })))
    expect(ledger.waiting).toBe(0)
  })

  test('begin again after a rest', async () => {
    await ledger.append(namedUse('a'), waiter())
    await settle()
    await ledger.append(namedUse('b'), waiter())
    expect(stage.batches).toEqual([['a'], ['b']])
  })

  test('never run side by side', async () => {
    let running = 0
    const count = async (): Promise<void> => {
      running += 1
      expect(running).toBe(1)
      await settle(2)
      running -= 1
    }
    stage.plan = Array.from({ length: 8 }, () => count)
    for (let index = 0; index < 4; index++) {
      use(`u${index}`)
      await settle(1)
    }
    await until(() => ledger.waiting === 0)
  })

  test('what has to be done again is told so', async () => {
    stage.again = ['b']
    const [a, b] = [use('a'), use('b')]
    await until(() => b.state === 'done')
    expect([a.value, b.value]).toEqual([{ seq: 100 }, 'again'])
  })

  test('what was aborted before its turn is left out', async () => {
    const aborting = new AbortController()
    const [a, b] = [use('a', aborting.signal), use('b')]
    aborting.abort()
    await until(() => b.state === 'done')
    expect(a.state).toBe('failed')
    expect(stage.batches).toEqual([['b']])
    const alone = use('c', AbortSignal.abort())
    await settle()
    expect([alone.state, stage.batches.length]).toEqual(['failed', 1])
  })
})

describe('what is written is told', () => {
  test('to whoever listens, after each batch, until they stop', async () => {
    let heard = 0
    const stop = ledger.onCommit(() => (heard += 1))
    await ledger.append(namedUse('a'), waiter())
    expect(heard).toBe(1)
    stop()
    await ledger.append(namedUse('b'), waiter())
    expect(heard).toBe(1)
  })

  test('only when it is', async () => {
    let heard = 0
    ledger.onCommit(() => (heard += 1))
    stage.plan = [fail(new StorageTamperedError('x'))]
    expect(await codeOf(ledger.append(namedUse('a'), waiter()))).toBe('STORAGE_TAMPERED')
    expect(heard).toBe(0)
  })
})

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
    await advanceUntil(() => waiting.every(({ state }) => state === 'done'))
    expect(delays).toEqual([1000, 1, 2, 4, 8, 16, 32, 64, 100, 100, 100])
    expect(stage.batches).toEqual(Array.from({ length: 11 }, () => ['a', 'b']))
  })

  test('because of a clash is tried again too', async () => {
    stage.plan = [fail(new StorageConflict('taken'))]
    const waiting = [use('a'), change('b')]
    await advanceUntil(() => waiting.every(({ state }) => state === 'done'))
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
    await advanceUntil(() => b.state === 'done')
    expect(a.state).toBe('failed')
    expect(stage.batches).toEqual([['a', 'b'], ['b'], ['b']])
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
    await advanceUntil(() => waiting.state === 'failed')
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

describe('closing', () => {
  test('takes nothing more, and waits for what was taken', async () => {
    const lift = Promise.withResolvers<void>()
    stage.plan = [async () => lift.promise]
    const taken = use('a')
    await settle()
    const closing = watch(ledger.close())
    expect(await codeOf(ledger.append(namedUse('b'), waiter()))).toBe('CLOSED')
    await expect(ledger.append(changeOf('c'), waiter())).rejects.toThrow('the KMS is closed')
    await settle()
    expect([taken.state, closing.state]).toEqual(['pending', 'pending'])
    lift.resolve()
    await settle()
    expect([taken.state, closing.state]).toEqual(['done', 'done'])
  })

  test('does not wait longer than the deadline', async () => {
    stage.plan = [async () => new Promise(() => undefined)]
    use('a')
    await settle()
    const closing = watch(ledger.close())
    clock.advance(1000)
    await settle()
    expect(closing.state).toBe('done')
  })

  test('is at once where nothing waits', async () => {
    await ledger.close()
    expect(await codeOf(ledger.append(namedUse('a'), waiter()))).toBe('CLOSED')
  })
})
