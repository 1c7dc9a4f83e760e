import { abandoned } from '@chatelaine/storage-sql'
import { isBusy } from './errors.ts'

/** The longest pause between two attempts to take a lock that another process holds. */
export const longestPauseMs = 5

/** Waits, without blocking anything. @throws `StorageFailure` when the signal aborts first. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      settle()
    }
    const abort = (): void => end(() => reject(abandoned(signal as AbortSignal)))
    const timer = setTimeout(() => end(resolve), ms)
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}

/** How long somebody is willing to wait: until a signal of theirs aborts or, where there is none, for a while. */
export class Patience {
  /** The caller's own signal. */
  readonly given: AbortSignal | undefined
  readonly #limitMs: number
  readonly #since = performance.now()

  constructor(given: AbortSignal | undefined, limitMs: number) {
    this.given = given
    this.#limitMs = limitMs
  }

  /** A signal that aborts when it is over. */
  get signal(): AbortSignal {
    return this.given ?? AbortSignal.timeout(Math.max(0, Math.ceil(this.#limitMs - this.#waitedMs)))
  }

  /**
   * Repeats an attempt for as long as another connection holds the lock. SQLite itself would wait by blocking the
   * whole process, and always at the same intervals.
   *
   * @throws what the attempt throws, at once unless somebody else holds the lock.
   */
  async untilFree<T>(attempt: () => T): Promise<T> {
    for (;;) {
      try {
        return attempt()
      } catch (error) {
        if (!isBusy(error) || this.#isOver) throw error
      }
      await pause(Math.random() * longestPauseMs, this.given)
    }
  }

  get #waitedMs(): number {
    return performance.now() - this.#since
  }

  get #isOver(): boolean {
    return this.given === undefined && this.#waitedMs >= this.#limitMs
  }
}
