import { Absences } from './absences.ts'
import { aborted } from './audit/queue.ts'
import type { Clock } from './internal/clock.ts'
import { unlessAborted } from './internal/patience.ts'
import type { NotReady } from './not-ready.ts'
import { MaterialStore } from './material-store.ts'
import type { Randomness } from './crypto/randomness.ts'
import type { AuthenticView } from './walk-parts.ts'

/** An operation whose reads have used up its time still gets this long for the record of its failure. */
export const leastMs = 500

/** What it is made ready with. */
export interface ReadyParts {
  readonly random: Randomness
  readonly view: AuthenticView
  readonly clock: Clock
}

/** What was made ready for one change before its turn. */
export class Ready {
  readonly materials: MaterialStore
  readonly absences: Absences
  /** Until when this turn waits for its record, on the monotonic clock: as long as ever, where nothing is said. */
  deadline: { at?: number } = {}
  readonly #clock: Clock

  constructor(parts: ReadyParts) {
    this.#clock = parts.clock
    this.materials = new MaterialStore(parts.random)
    this.absences = new Absences(parts.view)
  }

  /** Does what a change has to wait for. @throws AbortedError */
  async prepare(notReady: NotReady, signal: AbortSignal | undefined): Promise<void> {
    const discard = (): void => this.discard()
    await unlessAborted(notReady.prepare(), signal, { aborted: () => aborted(signal), discard })
    // It was waited for already: what is left is to say so, if the storage is there again.
    this.deadline = this.absences.isUnanswered ? { at: this.#clock.monotonic() + leastMs } : {}
  }

  /** Wipes it. */
  discard(): void {
    this.materials.discard()
  }
}
