import { longestPauseMs } from './patience.ts'

const shortestHoldMs = 20
const longestHoldMs = 500
const rememberedMs = 5000

/**
 * Leaves gaps for other processes. SQLite has no queue for its lock: a process that takes it again as soon as it has
 * released it keeps all others out, who only try now and then. So whoever shares the file with others stays away,
 * after a while of having it to itself, for as long as the others' longest pause. Where nobody took the opportunity,
 * the next while is longer.
 */
export class Fairness {
  #holdMs = shortestHoldMs
  #othersSeenAt = Number.NEGATIVE_INFINITY
  #heldSince = 0
  #releasedAt = 0

  /** How long to stay away before taking the lock, in milliseconds. */
  gapBefore(now: number): number {
    const isShared = now - this.#othersSeenAt < rememberedMs
    if (!isShared || now - this.#releasedAt > longestPauseMs || now - this.#heldSince < this.#holdMs) return 0
    return longestPauseMs + 1
  }

  /** The lock was taken. @param othersWrote - whether others have written since the last time. */
  taken(now: number, othersWrote: boolean): void {
    const wasAway = now - this.#releasedAt > longestPauseMs
    if (othersWrote) {
      this.#othersSeenAt = now
      this.#holdMs = shortestHoldMs
    } else if (wasAway) {
      this.#holdMs = Math.min(this.#holdMs * 2, longestHoldMs)
    }
    if (othersWrote || wasAway) this.#heldSince = now
  }

  /** The lock was released. */
  released(now: number): void {
    this.#releasedAt = now
  }
}
