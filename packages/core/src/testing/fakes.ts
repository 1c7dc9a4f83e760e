import { sha256 } from '../crypto/hash.ts'
import type { Clock, Timers } from '../internal/clock.ts'
import type { Randomness } from '../crypto/randomness.ts'

/** A clock that stands still until it is told to move, with timers that hang on it. */
export interface FakeClock extends Clock, Timers {
  /** Moves both clocks forward by so many milliseconds, and lets the timers go off that are due. */
  advance(ms: number): void
  /** Sets the wall clock, as an administrator would; the monotonic one does not notice. */
  set(now: number): void
}

/**
 * A clock for tests.
 *
 * @param start - where the wall clock begins. @defaultValue 2026-01-01T00:00:00Z
 * @example
 * ```ts
 * import { fakeClock } from '@chatelaine/core/testing'
 *
 * const clock = fakeClock()
 * clock.advance(60_000)
 * ```
 */
export function fakeClock(start: number = Date.UTC(2026, 0, 1)): FakeClock {
  let wall = start
  let monotonic = 0
  const timers = new Set<{ at: number; callback: () => void }>()
  const { setImmediate: immediately } = globalThis
  return {
    now: () => wall,
    monotonic: () => monotonic,
    set: (now) => {
      wall = now
    },
    advance: (ms) => {
      wall += ms
      monotonic += ms
      for (const timer of [...timers].toSorted((a, b) => a.at - b.at)) {
        if (timer.at > monotonic || !timers.delete(timer)) continue
        timer.callback()
      }
    },
    after: (delayMs, callback) => {
      const timer = { at: monotonic + delayMs, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    turn: async () => new Promise((resolve) => void immediately(resolve)),
  }
}

/**
 * Randomness that repeats itself for the same seed: SHA-256 in counter mode. Never use it for real keys.
 *
 * @example
 * ```ts
 * import { seededRandomness } from '@chatelaine/core/testing'
 *
 * const random = seededRandomness('run 1')
 * ```
 */
export function seededRandomness(seed: string): Randomness {
  let counter = 0
  const block = (): Buffer => sha256(Buffer.from(`${seed}\0${counter++}`, 'utf8'))
  const fill = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; at += 32) bytes.set(block().subarray(0, bytes.length - at), at)
  }
  return {
    fill,
    uuid: () => {
      const bytes = block().subarray(0, 16)
      bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
      bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
      const hex = bytes.toString('hex')
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
    },
  }
}
