import type { Connection } from './connection.ts'

/** Commits between two attempts, while nobody stands in the way: about as often as SQLite would by itself. */
const usualCommits = 100
/** Beyond that, the next attempt waits until the log has grown by this part of itself. */
const growth = 1 / 4

/**
 * Decides when the log is moved into the database. Left to itself, SQLite tries after every commit once the log is long,
 * and looks through all of it each time: beside a reader that stays, for which the log has to be kept, every commit
 * would cost more than the one before. Attempts that get ever rarer as the log grows cost a fixed part of the whole.
 */
export class LogTrim {
  /** Commits that the log may hold. */
  #held = 0
  #nextAt = usualCommits

  /** A transaction was committed on this connection. What is in the log is durable, whatever becomes of the attempt. */
  committed(connection: Connection): void {
    this.#held += 1
    if (this.#held < this.#nextAt) return
    if (this.#isMoved(connection)) this.#held = 0
    this.#nextAt = this.#held + Math.max(usualCommits, Math.ceil(this.#held * growth))
  }

  #isMoved(connection: Connection): boolean {
    try {
      return connection.moveLog()
    } catch {
      return false
    }
  }
}
