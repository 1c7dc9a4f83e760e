import { beforeEach, describe, expect, test } from 'vitest'
import type { Ledger } from '../../src/audit/ledger.ts'
import { StorageTamperedError } from '../../src/errors.ts'
import type { FakeClock } from '../../src/testing.ts'
import { changeOf, namedUse, waiter } from '../support/audit-entries.ts'
import { fail, LedgerBench, type Stage } from '../support/audit-stage.ts'
import { codeOf, settle, until, watch } from '../support/audit-world.ts'

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
    const aborted = new AbortController()
    use('only', aborted.signal)
    aborted.abort()
    await settle()
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

  test('and that there will be no more, when it closes', async () => {
    let heard = 0
    ledger.onCommit(() => (heard += 1))
    await ledger.close()
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
