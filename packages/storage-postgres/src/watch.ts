/** Notices that an answer does not come. A timer for each answer would cost more than the answer. */
export class Watch {
  #limitMs: number
  readonly #late: () => void
  #since: number | undefined
  #timer: NodeJS.Timeout | undefined

  /**
   * @param limitMs - how long an answer may take, in milliseconds.
   * @param late - called when one took longer.
   */
  constructor(limitMs: number, late: () => void) {
    this.#limitMs = limitMs
    this.#late = late
  }

  /** How long an answer may take, in milliseconds. A timer that runs for what it was before would come too late. */
  set limitMs(limitMs: number) {
    this.#limitMs = limitMs
    const since = this.#since
    clearTimeout(this.#timer)
    this.#timer = since === undefined ? undefined : this.#after(Math.max(0, this.#restSince(since)))
  }

  /** An answer is waited for. */
  begin(): void {
    this.#since = performance.now()
    this.#timer ??= this.#after(this.#limitMs)
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
    const rest = this.#restSince(this.#since)
    if (rest > 0) this.#timer = this.#after(rest)
    else this.#late()
  }

  #restSince(since: number): number {
    return this.#limitMs - (performance.now() - since)
  }
}
