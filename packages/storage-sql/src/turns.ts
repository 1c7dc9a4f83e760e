import { abandoned } from './failures.ts'

/** Lets one pass at a time, or as many as it was made for, in the order in which they came. */
export class Turns {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places = 1) {
    this.#free = places
  }

  /** Whether a turn is to be had without waiting. */
  get isFree(): boolean {
    return this.#free > 0
  }

  /**
   * Waits for a turn, which lasts until {@link Turns.pass}.
   *
   * @throws `StorageFailure` when the signal aborts first.
   */
  take(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(abandoned(signal))
    if (this.#free === 0) return this.#queue(signal)
    this.#free--
    return Promise.resolve()
  }

  /** Ends a turn. */
  pass(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
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
