/** Notices that an answer does not come. A timer for each answer would cost more than the answer. */
export class Watch {
  /** How long an answer may take, in milliseconds. */
  limitMs: number
  readonly #late: () => void
  #since: number | undefined
  #timer: NodeJS.Timeout | undefined

  /**
   * @param limitMs - how long an answer may take, in milliseconds.
   * @param late - called when one took longer.
   */
  constructor(limitMs: number, late: () => void) {
    this.limitMs = limitMs
    this.#late = late
  }

  /** An answer is waited for. */
  begin(): void {
    this.#since = performance.now()
    this.#timer ??= this.#after(this.limitMs)
  }

  /** It came. */
  end(): void {
    this.#since = undefined
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#since = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #after(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), Math.ceil(ms)).unref()
  }

  #look(): void {
    this.#timer = undefined
    if (this.#since === undefined) return
    const rest = this.limitMs - (performance.now() - this.#since)
    if (rest > 0) this.#timer = this.#after(rest)
    else this.#late()
  }
}
