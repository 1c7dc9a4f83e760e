import { isKmsError } from '../errors.ts'
import type { Run } from '../face/run.ts'
import type { Clock, Timers } from '../internal/clock.ts'
import type { JobLease } from '../operations/scheduled/job-lease.ts'
import { keepJob } from '../operations/scheduled/keep-job.ts'

/** What leases of jobs work with. */
export interface LeaseParts {
  readonly run: Run
  readonly clock: Clock
  readonly timers: Timers
  /** For how long a job that is being done is left to its process. */
  readonly leaseMs: number
}

/**
 * Keeps the lease of a job while it is done: it is renewed when a third of it is over. It is lost when somebody has taken
 * the job over, or when it has ended, by the monotonic clock, and could not be renewed: then somebody may have.
 */
export class LeaseKeeping {
  readonly #parts: LeaseParts
  readonly #lease: JobLease
  readonly #losing = new AbortController()
  #endsAt: number
  #cancel: () => void = () => undefined
  #renewing: Promise<void> = Promise.resolve()
  #isOver = false

  /** @param endsAt - when the lease ends at the earliest, by the monotonic clock. */
  constructor(parts: LeaseParts, lease: JobLease, endsAt: number) {
    this.#parts = parts
    this.#lease = lease
    this.#endsAt = endsAt
    this.#wait()
  }

  /** Aborts when the lease is lost. */
  get lost(): AbortSignal {
    return this.#losing.signal
  }

  /** Renews it no more, and waits for a renewal that is on its way. */
  async end(): Promise<void> {
    this.#isOver = true
    this.#cancel()
    await this.#renewing
  }

  #wait(): void {
    if (this.#isOver) return
    const { clock, timers, leaseMs } = this.#parts
    const delay = Math.max(0, Math.min(leaseMs / 3, this.#endsAt - clock.monotonic()))
    const renew = (): void => {
      this.#renewing = this.#renew()
    }
    this.#cancel = timers.inBackground?.(delay, renew) ?? timers.after(delay, renew)
  }

  async #renew(): Promise<void> {
    const { run, clock, leaseMs } = this.#parts
    const began = clock.monotonic()
    try {
      await run(keepJob, { ...this.#lease, leaseMs }, undefined)
      this.#endsAt = began + leaseMs
    } catch (error) {
      const isLost = isKmsError(error, 'CONFLICT') || clock.monotonic() >= this.#endsAt
      if (isLost) return this.#losing.abort(error)
    }
    this.#wait()
  }
}
