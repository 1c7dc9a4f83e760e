/** When a breaker opens, and for how long. */
export interface BreakerParts {
  readonly failuresBeforePause: number
  readonly cooldownMs: number
  readonly monotonic: () => number
  /** A number from 0 up to, not including, 1. */
  readonly random: () => number
}

/**
 * Leaves a service alone that does not do its work: after some failures in a row nothing is sent for a while; then one
 * call is, and its outcome decides. So many processes with many tenants do not keep it down by asking.
 */
export class CircuitBreaker {
  readonly #parts: BreakerParts
  #failures = 0
  #pausedUntil = -Infinity
  #isProbing = false

  constructor(parts: BreakerParts) {
    this.#parts = parts
  }

  /** Whether a call may be sent now. Whoever is told so tells what came of it. */
  mayCall(): boolean {
    if (this.#failures < this.#parts.failuresBeforePause) return true
    if (this.#isProbing || this.#parts.monotonic() < this.#pausedUntil) return false
    this.#isProbing = true
    return true
  }

  /** The service answered, whatever it said. */
  answered(): void {
    this.#failures = 0
    this.#isProbing = false
  }

  /** The service did not do its work. */
  failed(): void {
    this.#failures += 1
    this.#isProbing = false
    const { cooldownMs, monotonic, random } = this.#parts
    if (this.#failures >= this.#parts.failuresBeforePause) {
      this.#pausedUntil = monotonic() + cooldownMs * (1 + random() / 4)
    }
  }
}
