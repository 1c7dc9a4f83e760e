import type { Clock } from '../internal/clock.ts'

/** Further apart than this, the two clocks have not merely drifted. */
const toleranceMs = 60_000
/** For so long after a step the wall clock is in doubt, by the monotonic one. */
const doubtMs = 3_600_000

/**
 * Watches the wall clock by the monotonic one. Somebody who sets it, and a machine that slept, look the same from here:
 * both make the wall clock move by something else than the time that has passed. For an hour after that it is in doubt.
 */
export class ClockWatch {
  readonly #clock: Clock
  #offset: number
  #doubtedUntil = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
    this.#offset = clock.now() - clock.monotonic()
  }

  /** By how much the wall clock has stepped since it was last asked, in milliseconds; 0 where it has not. */
  step(): number {
    const offset = this.#clock.now() - this.#clock.monotonic()
    const step = offset - this.#offset
    this.#offset = offset
    if (Math.abs(step) <= toleranceMs) return 0
    this.#doubtedUntil = this.#clock.monotonic() + doubtMs
    return Math.round(step)
  }

  /** Whether the wall clock is in doubt. */
  get isInDoubt(): boolean {
    return this.#clock.monotonic() < this.#doubtedUntil
  }
}
