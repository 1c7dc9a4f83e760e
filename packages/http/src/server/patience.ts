/** Something that is waited for. */
interface Wait {
  /** By the monotonic clock. */
  readonly until: number
  readonly giveUp: () => void
}

/** Waits for promises, for none of them longer than so many milliseconds: with one timer for all, not one for each. */
export class Patience {
  readonly #ms: number
  /** Whoever waits longest comes first, since all wait equally long. */
  readonly #waits = new Set<Wait>()
  #isArmed = false

  constructor(ms: number) {
    this.#ms = ms
  }

  /** What a promise comes to. @throws what `late` makes, once it has taken too long */
  within<T>(promise: PromiseLike<T>, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait = { until: performance.now() + this.#ms, giveUp: () => reject(late()) }
      this.#waits.add(wait)
      if (!this.#isArmed) this.#arm(this.#ms)
      promise.then(
        (value) => {
          this.#waits.delete(wait)
          resolve(value)
        },
        (error: unknown) => {
          this.#waits.delete(wait)
          reject(error)
        },
      )
    })
  }

  /** It holds nobody up who ends: while somebody waits, a server does. */
  #arm(ms: number): void {
    this.#isArmed = true
    setTimeout(() => this.#expire(), ms).unref()
  }

  #expire(): void {
    this.#isArmed = false
    const now = performance.now()
    for (const wait of this.#waits) {
      if (wait.until > now) return this.#arm(wait.until - now)
      this.#waits.delete(wait)
      wait.giveUp()
    }
  }
}
