import type { Clock, Timers } from '../../internal/clock.ts'
import { limits } from '../../internal/defaults.ts'
import type { AnchoredCheckpoint, AnchorState, AuditAnchor } from './anchor.ts'

/** A checkpoint on its way to anchors. */
export type Offered = AnchoredCheckpoint

/** What a lane works with. */
export interface LaneParts {
  readonly clock: Clock
  readonly timers: Timers
  /** Remembers that the anchor keeps a checkpoint. */
  readonly remember: (anchor: string, offered: Offered, cosignatures: string) => Promise<number>
}

/** The way to one anchor: one publication at a time, and at most one checkpoint that waits. */
export class Lane {
  readonly #anchor: AuditAnchor
  readonly #parts: LaneParts
  #running: Promise<void> | undefined
  #waiting: Offered | undefined
  #notBefore = -Infinity
  #failures = 0
  #problem: string | undefined
  #isConflict = false
  #kept: { readonly size: number; readonly at: number } | undefined

  constructor(anchor: AuditAnchor, parts: LaneParts) {
    this.#anchor = anchor
    this.#parts = parts
  }

  /** Says what is known of it from before. */
  recall(size: number, at: number): void {
    if (this.#kept === undefined || this.#kept.size < size) this.#kept = { size, at }
  }

  /** The anchor's name. */
  get name(): string {
    return this.#anchor.name
  }

  get state(): AnchorState {
    return {
      name: this.name,
      state: this.#stateNow(),
      size: this.#kept?.size ?? 0,
      anchoredAt: this.#kept?.at,
      waiting: this.#waiting !== undefined,
      failures: this.#failures,
      problem: this.#problem,
    }
  }

  /** Takes a checkpoint; publishes it now, or later, or never, if a newer one comes before its turn. */
  offer(offered: Offered): void {
    this.#waiting = offered
    if (this.#running === undefined && this.#parts.clock.monotonic() >= this.#notBefore) this.#begin()
  }

  /** Publishes a checkpoint at once, whatever the interval, and waits for the end of it. */
  async publish(offered: Offered): Promise<void> {
    await this.#running
    if ((this.#kept?.size ?? 0) >= offered.size && this.#failures === 0) return
    this.#waiting = offered
    if (this.#running === undefined) this.#begin()
    await this.#running
  }

  #stateNow(): AnchorState['state'] {
    // Until it takes a checkpoint again, while it is asked once more too.
    if (this.#isConflict) return 'conflict'
    if (this.#running !== undefined) return 'publishing'
    return this.#failures > 0 ? 'failing' : 'idle'
  }

  #begin(): void {
    const offered = this.#waiting as Offered
    this.#waiting = undefined
    this.#running = this.#run(offered).finally(() => {
      this.#running = undefined
    })
  }

  async #run(offered: Offered): Promise<void> {
    const { clock } = this.#parts
    try {
      const cosignatures = await this.#untilLate(async (signal) => this.#anchor.publish(offered, signal))
      const at = await this.#parts.remember(this.name, offered, typeof cosignatures === 'string' ? cosignatures : '')
      this.#kept = { size: offered.size, at }
      this.#failures = 0
      this.#problem = undefined
      this.#isConflict = false
      this.#notBefore = clock.monotonic() + (this.#anchor.everyMs ?? limits.anchorEveryMs)
    } catch (error) {
      this.#failures += 1
      this.#problem = (error instanceof Error ? error.message : String(error)).slice(0, 200)
      this.#isConflict = typeof error === 'object' && error !== null && Reflect.get(error, 'isAnchorConflict') === true
      this.#notBefore = clock.monotonic() + Math.min(1000 * 2 ** (this.#failures - 1), limits.anchorEveryMs)
    }
  }

  /** An anchor that does not answer is left to itself. */
  async #untilLate<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const { promise, reject } = Promise.withResolvers<never>()
    const stop = this.#parts.timers.after(limits.anchorDeadlineMs, () => {
      controller.abort()
      reject(new Error('the anchor did not answer before the deadline'))
    })
    try {
      return await Promise.race([work(controller.signal), promise])
    } finally {
      stop()
    }
  }
}
