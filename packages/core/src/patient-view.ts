import { late } from './audit/live-view.ts'
import type { Clock, Timers } from './internal/clock.ts'
import { within } from './internal/patience.ts'
import type { Query } from './state/query.ts'
import type { SnapshotRead, SnapshotView } from './walk-parts.ts'

/** How much longer an operation waits, in milliseconds: for all its reads and its record together. */
export interface Remaining {
  ms: number
}

/** Reads only as long as an operation still may wait, and leaves the rest of its time to what comes after. */
export class PatientView implements SnapshotView {
  readonly #parts: PatientParts
  readonly #remaining: Remaining

  constructor(parts: PatientParts, remaining: Remaining) {
    this.#parts = parts
    this.#remaining = remaining
  }

  read<T>(query: Query<T>): T | Promise<T> {
    const answer = this.#parts.view.read(query)
    return answer instanceof Promise ? this.#inTime(answer) : answer
  }

  async snapshot<T>(read: SnapshotRead<T>): Promise<T> {
    return this.#inTime(this.#parts.view.snapshot(read))
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    const { clock, tools } = this.#parts
    const began = clock.monotonic()
    try {
      return await within({ timers: tools.timers, deadlineMs: this.#remaining.ms }, work, late)
    } finally {
      this.#remaining.ms = Math.max(0, this.#remaining.ms - (clock.monotonic() - began))
    }
  }
}

/** What a patient view works with. */
export interface PatientParts {
  readonly view: SnapshotView
  readonly clock: Clock
  readonly tools: { readonly timers: Timers }
}
