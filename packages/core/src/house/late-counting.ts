import type { UsageCounter } from '../audit/usage/usage-counter.ts'
import type { Timers } from '../internal/clock.ts'

/** So long others have time to do something, with which the records are counted that wait for it. */
const pauseMs = 1000

/** Has records counted that wait for a batch that does something else than ask for numbers, where none comes. */
export class LateCounting {
  readonly #counter: Pick<UsageCounter, 'isBehind'>
  readonly #timers: Timers
  readonly #count: () => Promise<unknown>
  #cancel: (() => void) | undefined
  #isClosed = false

  /** @param count - makes a record with which they are counted. */
  constructor(counter: UsageCounter, timers: Timers, count: () => Promise<unknown>) {
    this.#counter = counter
    this.#timers = timers
    this.#count = count
    counter.tell(() => this.#soon())
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  #soon(): void {
    if (this.#cancel !== undefined || this.#isClosed) return
    const count = (): void => {
      this.#cancel = undefined
      // Where nothing can be recorded, whoever asks next is told that they wait.
      if (this.#counter.isBehind && !this.#isClosed) this.#count().catch(() => undefined)
    }
    this.#cancel = this.#timers.inBackground?.(pauseMs, count) ?? this.#timers.after(pauseMs, count)
  }
}
