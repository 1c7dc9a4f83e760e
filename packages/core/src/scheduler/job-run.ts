import { attempt, raise } from '../attempt.ts'
import { isKmsError } from '../errors.ts'
import type { Clock } from '../internal/clock.ts'
import { claimJob, lookAtJob } from '../operations/scheduled/claim-job.ts'
import { finishJob } from '../operations/scheduled/finish-job.ts'
import type { JobLease, JobStanding } from '../operations/scheduled/job-lease.ts'
import { LeaseKeeping, type LeaseParts } from './lease-keeping.ts'

/** What runs of jobs work with. */
export interface JobRunParts extends LeaseParts {
  readonly clock: Clock
  /** Hears of what is tried again. Must not throw. */
  readonly tell: (error: unknown) => void
}

/** A job, and how it is done: under the claim with this token, until the signal says that it is to end, or was taken over. */
export interface LeasedJob {
  readonly name: string
  readonly run: (signal: AbortSignal, token: number) => unknown
}

/** What somebody else does, and what cannot be read, is looked at so often: clocks may be set, machines may sleep. */
const longestWaitMs = 60_000

/**
 * Does a job once among all processes: whoever claims its moment first does it, keeps the lease while it does, and says
 * when it is through. The others wait for that, or for the end of the lease, when one of them takes the moment over.
 */
export class JobRun {
  readonly #parts: JobRunParts
  readonly #job: LeasedJob
  readonly #signal: AbortSignal

  constructor(parts: JobRunParts, job: LeasedJob, signal: AbortSignal) {
    this.#parts = parts
    this.#job = job
    this.#signal = signal
  }

  /**
   * Does a moment of the job, unless it is done; without a moment, only what somebody has begun and not finished.
   *
   * @throws what the job throws; ConflictError where it was taken over meanwhile
   */
  async through(at: number | undefined): Promise<void> {
    const { clock } = this.#parts
    while (!this.#signal.aborted) {
      const endsAt = clock.monotonic() + this.#parts.leaseMs
      const claimed = await this.#claim(at)
      if (claimed.state === 'done') return
      if (claimed.state === 'mine') return this.#do(claimed.lease, endsAt)
      await this.#wait(Math.min(longestWaitMs, claimed.until - clock.now()))
    }
  }

  /** Claims the moment if it is free. A storage that cannot be asked is asked again after a while. */
  async #claim(at: number | undefined): Promise<Claimed> {
    const { run, leaseMs, clock, tell } = this.#parts
    const job = this.#job.name
    const on = { signal: this.#signal }
    try {
      const standing = await run.onward(lookAtJob, { job, at }, on)
      if (standing.state !== 'free') return standing
      return { state: 'mine', lease: await run(claimJob, { job, at, leaseMs }, on) }
    } catch (error) {
      // Somebody else was first: what he does is looked at anew.
      if (isKmsError(error, 'CONFLICT')) return { state: 'held', until: clock.now() }
      if (!isKmsError(error) || !error.retryable) throw error
      tell(error)
      return { state: 'held', until: clock.now() + longestWaitMs }
    }
  }

  /** A crash in here leaves the lease, and so does a job that gives up because it is told to. */
  async #do(lease: JobLease, endsAt: number): Promise<void> {
    const signal = this.#signal
    const keeping = new LeaseKeeping(this.#parts, lease, endsAt)
    const { error } = await attempt(async () => this.#job.run(AbortSignal.any([signal, keeping.lost]), lease.token))
    await keeping.end()
    const ok = error === undefined
    if (ok || !signal.aborted) await this.#parts.run(finishJob, { ...lease, ok }, undefined)
    if (!ok) raise(error)
  }

  async #wait(ms: number): Promise<void> {
    if (ms <= 0) return
    const { timers } = this.#parts
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const cancel = timers.inBackground?.(ms, () => resolve(undefined)) ?? timers.after(ms, () => resolve(undefined))
    this.#signal.addEventListener('abort', resolve)
    if (this.#signal.aborted) resolve(undefined)
    await promise
    cancel()
    this.#signal.removeEventListener('abort', resolve)
  }
}

/** What came of a claim. */
type Claimed = Exclude<JobStanding, { state: 'free' }> | { readonly state: 'mine'; readonly lease: JobLease }
