import { Absences } from './absences.ts'
import { aborted } from './audit/queue.ts'
import { unlessAborted } from './internal/patience.ts'
import type { NotReady } from './not-ready.ts'
import { MaterialStore } from './material-store.ts'
import type { Randomness } from './crypto/randomness.ts'
import type { AuthenticView } from './walk-parts.ts'

/** What was made ready for one change before its turn. */
export class Ready {
  readonly materials: MaterialStore
  readonly absences: Absences

  constructor(parts: { readonly random: Randomness; readonly view: AuthenticView }) {
    this.materials = new MaterialStore(parts.random)
    this.absences = new Absences(parts.view)
  }

  /** Does what a change has to wait for. @throws AbortedError */
  async prepare(notReady: NotReady, signal: AbortSignal | undefined): Promise<void> {
    const discard = (): void => this.discard()
    await unlessAborted(notReady.prepare(), signal, { aborted: () => aborted(signal), discard })
  }

  /** Wipes it. */
  discard(): void {
    this.materials.discard()
  }
}
