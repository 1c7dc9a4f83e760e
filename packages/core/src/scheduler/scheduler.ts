import { ClosedError, ConflictError, isKmsError } from '../errors.ts'
import { requireObject } from '../face/text.ts'
import type { Run } from '../face/run.ts'
import type { Randomness } from '../crypto/randomness.ts'
import type { Clock, Timers } from '../internal/clock.ts'
import { doubtClock } from '../operations/scheduled/doubt-clock.ts'
import { forgetPastUses } from '../operations/scheduled/forget-past-uses.ts'
import { listPastUses, type UsesPlace } from '../operations/scheduled/list-past-uses.ts'
import { ClockWatch } from './clock-watch.ts'
import { DueRun, type DueReport } from './due-run.ts'
import {
  defaultLeaseMs,
  requireLeaseMs,
  requireSchedule,
  requireWithin,
  Schedule,
  type ScheduleOptions,
} from './schedule.ts'

/** How much of what is due is done. */
export interface RunDueOptions {
  /** At most this much, 1 to 100,000. @defaultValue 1000 */
  readonly limit?: number | undefined
  /**
   * For how long what is claimed is left to this process, in milliseconds, 1,000 to 3,600,000: when it dies, others take
   * over after that. @defaultValue 300000
   */
  readonly leaseMs?: number | undefined
  /** Gives up when aborted: what is not done by then is done by whoever comes next. */
  readonly signal?: AbortSignal | undefined
}

/** What a scheduler works with. */
export interface SchedulerParts {
  /** Runs operations for the principal `scheduler`. */
  readonly run: Run
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Randomness
  /** Whether the KMS was closed. */
  readonly isClosed: () => boolean
}

/**
 * What becomes of keys by themselves: `kms.scheduler`. Rotations, ends of grace periods, expiries, deletions: each is done
 * once, by whichever process comes first, and recorded with the actor `scheduler`.
 */
export class Scheduler {
  readonly #parts: SchedulerParts
  readonly #watch: ClockWatch
  readonly #holder: string
  #schedule: Schedule | undefined
  #lookedAt: UsesPlace | undefined

  /** @internal */
  constructor(parts: SchedulerParts) {
    this.#parts = parts
    this.#watch = new ClockWatch(parts.clock)
    this.#holder = parts.random.uuid()
  }

  /**
   * Does what is due, in this tenant: for hosts with a timer of their own. It may run in any number of processes at a
   * time. One key that fails holds up no other: its failure is on record, and it is tried again after a while, each time
   * after twice as long.
   *
   * When the wall clock was seen to step, be it in the middle of a run, what cannot be undone waits for an hour:
   * destroying keys, revoking versions.
   *
   * @throws AuditUnavailableError, StorageUnavailableError where nothing can be done at all
   * @example
   * ```ts
   * import type { Kms } from '@chatelaine/core'
   *
   * const tick = async (kms: Kms): Promise<void> => {
   *   const { done, failed } = await kms.scheduler.runDue()
   *   console.log(`${done.length} done`, failed)
   * }
   * ```
   */
  async runDue(options: RunDueOptions = {}): Promise<DueReport> {
    const { limit, leaseMs, signal } = checked(options)
    const { run, clock } = this.#parts
    const isClockInDoubt = async (): Promise<boolean> => this.#isClockInDoubt(signal)
    const parts = { run, clock, holder: this.#holder, leaseMs, limit, isClockInDoubt, signal }
    const report = await new DueRun(parts).through()
    await this.#forgetUses(signal)
    return report
  }

  /** Whether the wall clock is in doubt. That it has stepped is recorded. */
  async #isClockInDoubt(signal: AbortSignal | undefined): Promise<boolean> {
    const stepMs = this.#watch.step()
    if (stepMs !== 0) await this.#parts.run(doubtClock, { stepMs }, { signal })
    return this.#watch.isInDoubt
  }

  /** Looks at some of what quotas have counted, further with each run, and forgets what counts nothing any more. */
  async #forgetUses(signal: AbortSignal | undefined): Promise<void> {
    const { run } = this.#parts
    try {
      if (await this.#isClockInDoubt(signal)) return
      const { uses, next } = await run.onward(listPastUses, { after: this.#lookedAt }, { signal })
      this.#lookedAt = next
      // It may have been set while they were looked for.
      if (uses.length > 0 && !(await this.#isClockInDoubt(signal))) await run(forgetPastUses, { uses }, { signal })
    } catch (error) {
      // What does not verify is on record, or is told to whoever is counted by it.
      if (!isKmsError(error, 'STORAGE_TAMPERED')) throw error
    }
  }

  /**
   * Does what is due by the clock, until `stop` or the closing of the KMS, without keeping the process alive. In as many
   * processes as you like. After a sleep it runs once, however many of its times were missed. One run does not overtake
   * another: a time that comes while one is running is left out.
   *
   * @throws InvalidRequestError for what is no cron expression, or comes never
   * @throws ConflictError when it was started already; ClosedError
   * @example
   * ```ts
   * import type { Kms } from '@chatelaine/core'
   *
   * const start = async (kms: Kms): Promise<void> =>
   *   kms.scheduler.start({
   *     cron: '0,30 * * * *',
   *     verifyCron: '30 3 * * *',
   *     timezone: 'Europe/Berlin',
   *     onError: (error, job) => console.error(job, error),
   *   })
   * ```
   */
  async start(options: ScheduleOptions = {}): Promise<void> {
    const asked = requireObject(options, 'options')
    requireSchedule(asked)
    if (this.#parts.isClosed()) throw new ClosedError('the KMS is closed')
    if (this.#schedule !== undefined) throw new ConflictError('the scheduler was started already')
    const { leaseMs = defaultLeaseMs } = asked
    const runDue = async (signal: AbortSignal): Promise<DueReport> => this.runDue({ signal, leaseMs })
    const schedule = new Schedule({ ...this.#parts, leaseMs, runDue }, asked)
    this.#schedule = schedule
    try {
      await schedule.begin(asked)
    } catch (error) {
      this.#schedule = undefined
      throw error
    }
  }

  /** Ends what `start` began, and waits for what is running: it stops before its next step. */
  async stop(): Promise<void> {
    const schedule = this.#schedule
    this.#schedule = undefined
    await schedule?.stop()
  }
}

function checked(options: RunDueOptions): { limit: number; leaseMs: number; signal: AbortSignal | undefined } {
  const { limit = 1000, leaseMs = defaultLeaseMs, signal } = requireObject(options, 'options')
  requireWithin('limit', limit, [1, 100_000])
  requireLeaseMs(leaseMs)
  return { limit, leaseMs, signal }
}
