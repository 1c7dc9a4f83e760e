import { InvalidRequestError, isKmsError } from '../errors.ts'
import type { Run } from '../face/run.ts'
import type { Clock, Timers } from '../internal/clock.ts'
import { claimJob, isJobFree } from '../operations/scheduled/claim-job.ts'
import { anchorOnSchedule, verifyOnSchedule } from '../operations/scheduled/look-after-log.ts'
import type { DueReport } from './due-run.ts'
import { Ticker } from './ticker.ts'
import { timetable } from './timetable.ts'

/** Something else that is to be done at its times, once among all processes that have it. */
export interface ScheduledJob {
  /** Which it is, in all processes: shaped as the name of a key. */
  readonly name: string
  /** When. */
  readonly cron: string
  /** Does it. What it throws goes to `onError`. */
  readonly run: (signal: AbortSignal) => unknown
}

/** When the scheduler does what. */
export interface ScheduleOptions {
  /** When it does what is due: five fields, or six with seconds first. @defaultValue '0 * * * *', every hour */
  readonly cron?: string | undefined
  /** Of all expressions: an IANA time zone. @defaultValue 'UTC' */
  readonly timezone?: string | undefined
  /** When it verifies the audit log, in one of the processes. @defaultValue never */
  readonly verifyCron?: string | undefined
  /** When it brings the audit log's newest checkpoint to the anchors, in one of the processes. @defaultValue never */
  readonly anchorCron?: string | undefined
  /** What else it does. @defaultValue nothing */
  readonly jobs?: readonly ScheduledJob[] | undefined
  /** Called after each run through what was due. */
  readonly onRun?: ((report: DueReport) => void) | undefined
  /** Called where a run or a job could not be done at all, with its name: `due`, `verify`, `anchor`, or that of the job. */
  readonly onError?: ((error: unknown, job: string) => void) | undefined
}

/** What a schedule works with. */
export interface ScheduleParts {
  readonly run: Run
  readonly clock: Clock
  readonly timers: Timers
  readonly runDue: (signal: AbortSignal) => Promise<DueReport>
  /** Whether the KMS was closed: the one of another tenant is, with the one that opened the storage. */
  readonly isClosed: () => boolean
}

/** What is done by the clock, until it is stopped. */
export class Schedule {
  readonly #parts: ScheduleParts
  readonly #onRun: NonNullable<ScheduleOptions['onRun']>
  readonly #onError: NonNullable<ScheduleOptions['onError']>
  readonly #tickers: Ticker[] = []
  #isStopped = false

  constructor(parts: ScheduleParts, { onRun, onError }: ScheduleOptions) {
    this.#parts = parts
    this.#onRun = onRun ?? (() => undefined)
    this.#onError = onError ?? (() => undefined)
  }

  /** Begins. @throws InvalidRequestError before anything has begun */
  async begin({
    cron = '0 * * * *',
    timezone = 'UTC',
    verifyCron,
    anchorCron,
    jobs = [],
  }: ScheduleOptions): Promise<void> {
    const own = [this.#logJob('verify', verifyCron), this.#logJob('anchor', anchorCron)]
    const named = [...jobs, ...own.filter((job) => job !== undefined)]
    const due = await timetable({ where: 'cron', cron, timezone })
    const times = await Promise.all(
      named.map(async (job) => timetable({ where: `jobs: ${job.name}`, cron: job.cron, timezone })),
    )
    // Somebody may have ended it while the expressions were read.
    if (this.#isStopped) return
    this.#tick('due', due, async (_at, signal) => this.#onRun(await this.#parts.runDue(signal)))
    named.forEach((job, at) => {
      this.#tick(job.name, times[at] as NonNullable<(typeof times)[0]>, async (moment, signal) =>
        this.#once(job, moment, signal),
      )
    })
  }

  /** Ends, and waits for what is running. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#tickers.map(async (ticker) => ticker.stop()))
  }

  #tick(job: string, times: Awaited<ReturnType<typeof timetable>>, work: Work): void {
    const { clock, timers } = this.#parts
    const tick: Work = async (at, signal) => {
      if (this.#parts.isClosed()) return void this.stop()
      try {
        await work(at, signal)
      } catch (error) {
        if (!signal.aborted) this.#tell(error, job)
      }
    }
    this.#tickers.push(new Ticker({ times, tick }, clock, timers))
  }

  /** What a listener throws is nobody's. */
  #tell(error: unknown, job: string): void {
    try {
      this.#onError(error, job)
    } catch {
      // Whoever is told of errors is told of no more than that.
    }
  }

  async #once(job: ScheduledJob, at: number, signal: AbortSignal): Promise<void> {
    const moment = { job: job.name, at }
    if (!(await this.#parts.run.onward(isJobFree, moment, { signal }))) return
    try {
      await this.#parts.run(claimJob, moment, { signal })
    } catch (error) {
      if (isKmsError(error, 'CONFLICT')) return
      throw error
    }
    await job.run(signal)
  }

  #logJob(name: keyof typeof logJobs, cron: string | undefined): ScheduledJob | undefined {
    if (cron === undefined) return undefined
    return { name, cron, run: async (signal) => this.#parts.run(logJobs[name], { signal }, { signal }) }
  }
}

/** What is done for the audit log at times of its own. */
const logJobs = Object.freeze({ verify: verifyOnSchedule, anchor: anchorOnSchedule })

type Work = (at: number, signal: AbortSignal) => Promise<void>

/** What a caller asks for, as far as it can be checked without the expressions. @throws InvalidRequestError */
export function requireSchedule(options: ScheduleOptions): void {
  const { jobs, onRun, onError } = options
  for (const [name, hook] of Object.entries({ onRun, onError })) {
    if (hook !== undefined && typeof hook !== 'function') throw invalid(name, 'it is no function')
  }
  if (jobs !== undefined && !Array.isArray(jobs)) throw invalid('jobs', 'it is no array')
  const names = (jobs ?? []).map(requireJob)
  if (new Set([...names, ...Object.keys(logJobs), 'due']).size < names.length + 3)
    throw invalid('jobs', 'a name is there twice')
}

function requireJob(job: ScheduledJob): string {
  const isJob = typeof job === 'object' && job !== null && typeof job.run === 'function'
  if (isJob && typeof job.name === 'string' && /^[A-Za-z0-9/_.-]{1,256}$/.test(job.name)) return job.name
  throw invalid('jobs', 'one is no job, or has no name')
}

function invalid(path: string, message: string): InvalidRequestError {
  return new InvalidRequestError(`${path}: ${message}`, [{ path, message }])
}
