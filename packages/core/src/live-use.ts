import { failed, type Done } from './attempt.ts'
import type { UseEntry } from './audit/entry.ts'
import { aborted } from './audit/queue.ts'
import type { Caller } from './drafts.ts'
import type { Inside } from './inside.ts'
import { wipeDeep } from './internal/bytes.ts'
import type { UseOperation } from './runtime.ts'
import { withSignal } from './walk-limits.ts'
import type { SnapshotView, WalkParts } from './walk-parts.ts'
import { LiveWalk } from './walk.ts'

/** Who asked. */
export interface AskedBy {
  readonly caller: Caller
  readonly signal: AbortSignal | undefined
}

/** A use or a read on its way to its record, and what it came to when it was last done. */
export class LiveUse<Q, P, R> implements Inside {
  readonly #operation: UseOperation<Q, P, R>
  readonly #request: P
  readonly #by: AskedBy
  done: Done<R> = { error: undefined }
  /** Set when nobody waits for it any more: what it comes to from then on is wiped at once. */
  isAbandoned = false

  constructor(operation: UseOperation<Q, P, R>, request: P, by: AskedBy) {
    this.#operation = operation
    this.#request = request
    this.#by = by
  }

  /** Does it: at once, where nothing has to be waited for. */
  once(parts: WalkParts, view: SnapshotView): UseEntry | Promise<UseEntry> {
    const { caller, signal } = this.#by
    const walk = new LiveWalk(withSignal(parts, signal), caller, view)
    try {
      const result = this.#operation.perform(this.#request, walk)
      if (result instanceof Promise) return this.#waited(walk, result)
      this.done = { result, error: undefined }
    } catch (error) {
      this.done = failed(error)
    }
    return walk.hasClaimed ? this.#entry(walk) : this.#entered(walk)
  }

  async #waited(walk: LiveWalk, working: Promise<R>): Promise<UseEntry> {
    try {
      this.done = { result: await working, error: undefined }
    } catch (error) {
      this.done = failed(error)
    }
    return walk.hasClaimed ? this.#entry(walk) : this.#entered(walk)
  }

  /** One that claims nothing still is for those only who are let in at all. */
  async #entered(walk: LiveWalk): Promise<UseEntry> {
    try {
      await walk.enter()
    } catch (error) {
      this.discard()
      this.done = failed(error)
    }
    return this.#entry(walk)
  }

  #entry(walk: LiveWalk): UseEntry {
    if (this.isAbandoned) this.discard()
    return walk.entry(this.done.result, this.done.error)
  }

  /** Wipes what it came to. */
  discard(): void {
    wipeDeep(this.done.result)
  }

  aborted(): Error {
    return aborted(this.#by.signal)
  }
}
