import { Absences, type AbsencesParts } from './absences.ts'
import { aborted } from './audit/queue.ts'
import type { Clock } from './internal/clock.ts'
import { unlessAborted } from './internal/patience.ts'
import type { NotReady } from './not-ready.ts'
import { MaterialStore } from './material-store.ts'
import type { Randomness } from './crypto/randomness.ts'

/** An operation whose reads have used up its time still gets this long for the record of its failure. */
export const leastMs = 500

/** What it is made ready with. */
export interface ReadyParts extends AbsencesParts {
  readonly random: Randomness
}

/** What was made ready for one change before its turn. */
export class Ready {
  readonly materials: MaterialStore
  readonly absences: Absences
  /** Until when the change waits for the storage, on the monotonic clock: set by its first turn in the queue. */
  deadline: { at?: number } = {}
  readonly #clock: Clock

  constructor(parts: ReadyParts) {
    this.#clock = parts.clock
    this.materials = new MaterialStore(parts.random)
    this.absences = new Absences(parts)
  }

  /** Does what a change has to wait for. @throws AbortedError */
  async prepare(notReady: NotReady, signal: AbortSignal | undefined): Promise<void> {
    const discard = (): void => this.discard()
    await unlessAborted(notReady.prepare(this.#until()), signal, { aborted: () => aborted(signal), discard })
    // Where no storage was waited for, the patience with that begins anew.
    if (!notReady.asksStorage) this.deadline = {}
  }

  /** What is left when the storage has proved something is for the record of the change. */
  #until(): number {
    const now = this.#clock.monotonic()
    const left = Math.max(0, (this.deadline.at ?? now) - now)
    return now + left - Math.min(leastMs, left / 2)
  }

  /** Wipes it. */
  discard(): void {
    this.materials.discard()
  }
}
