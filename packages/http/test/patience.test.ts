import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Patience } from '../src/server/patience.ts'

const late = (): Error => new Error('late')
const never = (): Promise<never> => new Promise(() => undefined)
/** What became of a promise, as far as anything did. */
const fateOf = (promise: Promise<unknown>): { of?: unknown } => {
  const fate: { of?: unknown } = {}
  promise.then(
    (value) => (fate.of = value),
    (error: unknown) => (fate.of = (error as Error).message),
  )
  return fate
}

describe('Patience', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('each wait has its own time, though one timer serves all', async () => {
    const patience = new Patience(100)
    const first = fateOf(patience.within(never(), late))
    await vi.advanceTimersByTimeAsync(60)
    const second = fateOf(patience.within(never(), late))
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(39)
    expect([first, second]).toEqual([{}, {}])
    await vi.advanceTimersByTimeAsync(1)
    expect([first, second]).toEqual([{ of: 'late' }, {}])
    await vi.advanceTimersByTimeAsync(59)
    expect(second).toEqual({})
    await vi.advanceTimersByTimeAsync(1)
    expect(second).toEqual({ of: 'late' })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('what comes in time is what it is, value or error, and is waited for no longer', async () => {
    const patience = new Patience(100)
    const made = vi.fn<() => Error>(late)
    const fates = [Promise.resolve('value'), Promise.reject(new Error('its own'))].map((promise) =>
      fateOf(patience.within(promise, made)),
    )
    await vi.advanceTimersByTimeAsync(1000)
    expect(fates).toEqual([{ of: 'value' }, { of: 'its own' }])
    expect(made).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('one that was over before keeps no later one from its time', async () => {
    const patience = new Patience(100)
    await patience.within(Promise.resolve(), late)
    await vi.advanceTimersByTimeAsync(50)
    const fate = fateOf(patience.within(never(), late))
    await vi.advanceTimersByTimeAsync(99)
    expect(fate).toEqual({})
    await vi.advanceTimersByTimeAsync(1)
    expect(fate).toEqual({ of: 'late' })
  })
})
