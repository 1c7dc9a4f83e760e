import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Watch } from '../src/watch.ts'

beforeEach(() => {
  vi.useFakeTimers()
  return () => void vi.useRealTimers()
})

function watchFor(limitMs: number): { readonly watch: Watch; readonly late: () => number } {
  const late = vi.fn<() => void>()
  return { watch: new Watch(limitMs, late), late: () => late.mock.calls.length }
}

describe('the watch for answers', () => {
  test('notices one that does not come, once', () => {
    const { watch, late } = watchFor(100)
    watch.begin()
    vi.advanceTimersByTime(99)
    expect(late()).toBe(0)
    vi.advanceTimersByTime(1000)
    expect(late()).toBe(1)
  })

  test('counts from the last question, whenever the one before was answered', () => {
    const { watch, late } = watchFor(100)
    for (let question = 0; question < 10; question++) {
      watch.begin()
      vi.advanceTimersByTime(60)
      watch.end()
    }
    vi.advanceTimersByTime(1000)
    expect(late()).toBe(0)
  })

  test('is as strict again as it was, as soon as more patience is over', () => {
    const { watch, late } = watchFor(100)
    watch.limitMs = 600_000
    watch.begin()
    vi.advanceTimersByTime(300_000)
    watch.end()
    watch.limitMs = 100
    watch.begin()
    vi.advanceTimersByTime(100)
    expect(late()).toBe(1)
  })

  test('gives an answer that is waited for already more patience, or less', () => {
    const { watch, late } = watchFor(100)
    watch.begin()
    vi.advanceTimersByTime(50)
    watch.limitMs = 1000
    vi.advanceTimersByTime(900)
    expect(late()).toBe(0)
    watch.limitMs = 960
    vi.advanceTimersByTime(10)
    expect(late()).toBe(1)
  })
})
