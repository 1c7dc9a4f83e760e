import { StorageFailure } from '@chatelaine/core/storage'

/** What a transaction fails with when its caller gave up before it was committed. */
export function abandoned(signal: AbortSignal): StorageFailure {
  return new StorageFailure('The transaction was given up before it was committed.', {
    transient: true,
    outcome: 'none',
    cause: signal.reason,
  })
}

/** Lets one pass at a time, in the order in which they came. */
export class Turns {
  #taken = false
  readonly #waiting: (() => void)[] = []

  /**
   * Waits for a turn, which lasts until {@link Turns.pass}.
   *
   * @throws `StorageFailure` when the signal aborts first.
   */
  take(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(abandoned(signal))
    if (this.#taken) return this.#queue(signal)
    this.#taken = true
    return Promise.resolve()
  }

  /** Ends a turn. */
  pass(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken = false
    else next()
  }

  #queue(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1)
        reject(abandoned(signal as AbortSignal))
      }
      signal?.addEventListener('abort', leave, { once: true })
      this.#waiting.push(enter)
    })
  }
}

/**
 * What `work` comes to, unless the signal aborts before.
 *
 * @throws `StorageFailure` when it does; whatever else `work` throws.
 */
export async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work()
  let abort: (() => void) | undefined
  const aborted = new Promise<undefined>((resolve) => {
    abort = () => resolve(undefined)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    const result = await Promise.race([work().then((value) => ({ value })), aborted])
    if (result !== undefined && !signal.aborted) return result.value
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort)
  }
  throw abandoned(signal)
}
