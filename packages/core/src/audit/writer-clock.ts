import type { Clock } from '../internal/clock.ts'

/** When a batch is written. */
export interface BatchTimes {
  /** By the wall clock of this process. */
  readonly now: number
  readonly monotonic: number
  /**
   * The latest time that is known of: by this clock, as this process has seen it, or by the record before. A clock that was
   * set back counts nothing earlier than it was. What is more than a day ahead was written by a clock that was wrong.
   */
  readonly latest: number
}

const dayMs = 86_400_000

/** Tells when batches are written. */
export class WriterClock {
  readonly #clock: Clock
  #latest = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The time now, after a record of this time. */
  after(recorded: number): BatchTimes {
    const now = this.#clock.now()
    const times = [now, recorded, this.#latest].filter((time) => time <= now + dayMs)
    this.#latest = Math.max(...times)
    return { now, monotonic: this.#clock.monotonic(), latest: this.#latest }
  }
}
