import { RootKeyUnavailableError } from '@chatelaine/core'
import type { CircuitBreaker } from './breaker.ts'
import { readFailure } from './failures.ts'
import type { Settings } from './options.ts'

/** The longest time between two tries doubles from here, up to ten times as much. */
const backoffMs = 50

/** Tries a call until it succeeds, as often as is allowed, and leaves a service alone that does not answer. */
export class Persistence {
  readonly #settings: Pick<Settings, 'attempts' | 'attemptTimeoutMs' | 'timers'>
  readonly #breaker: CircuitBreaker
  readonly #random: () => number

  constructor(settings: Pick<Settings, 'attempts' | 'attemptTimeoutMs' | 'timers'>, parts: PersistenceParts) {
    this.#settings = settings
    this.#breaker = parts.breaker
    this.#random = parts.random
  }

  /** @throws RootKeyUnavailableError, RootKeyMismatchError */
  async call<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      if (!this.#breaker.mayCall()) {
        throw new RootKeyUnavailableError('AWS KMS has not answered for a while: it is left alone for a moment')
      }
      try {
        const answer = await this.#once(send)
        this.#breaker.answered()
        return answer
      } catch (thrown) {
        const failure = readFailure(thrown)
        if (failure.isOutage) this.#breaker.failed()
        else this.#breaker.answered()
        if (!failure.isTransient || attempt >= this.#settings.attempts) throw failure.error
      }
      await this.#pause(attempt)
    }
  }

  /** One try, which is given up in time even where the client does not listen to its signal. */
  async #once<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const { promise, reject } = Promise.withResolvers<never>()
    const stop = this.#settings.timers.after(this.#settings.attemptTimeoutMs, () => {
      controller.abort()
      reject(new Error('it took too long'))
    })
    try {
      return await Promise.race([send(controller.signal), promise])
    } finally {
      stop()
    }
  }

  /** Full jitter: any time from none up to a bound that doubles, so that those who failed together come apart. */
  async #pause(attempt: number): Promise<void> {
    const most = Math.min(backoffMs * 2 ** (attempt - 1), backoffMs * 10)
    return new Promise((resolve) => void this.#settings.timers.after(most * this.#random(), resolve))
  }
}

/** What persistence works with. */
export interface PersistenceParts {
  readonly breaker: CircuitBreaker
  readonly random: () => number
}
