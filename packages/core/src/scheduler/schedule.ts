import { InvalidRequestError } from '../errors.ts'
import { anchorOnSchedule, verifyOnSchedule } from '../operations/scheduled/look-after-log.ts'
import type { DueReport } from './due-run.ts'
import { JobRun, type JobRunParts, type LeasedJob } from './job-run.ts'
import { Ticker, type Ticking } from './ticker.ts'
import { timetable } from './timetable.ts'

/** Something else that is to be done at its times, once among all processes that have it. */
export interface ScheduledJob {
  /** Which it is, in all processes: shaped as the name of a key. */
  readonly name: string
  /** When. */
  readonly cron: string
  /**
   * Does it. What it throws goes to `onError`. The signal aborts when the scheduler ends, and when another process has
   * taken the job over: whoever does not heed it does what somebody else does, too.
   */
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
  /**
   * For how long what is claimed is left to this process, in milliseconds, 1,000 to 3,600,000: when it dies, others take
   * over after that. Of a job it is renewed while it is done. The clocks of all processes should agree to much less.
   *
   * @defaultValue 300000
   */
  readonly leaseMs?: number | undefined
  /** Called after each run through what was due; where that was more than 1,000, after each 1,000. */
  readonly onRun?: ((report: DueReport) => void) | undefined
  /** Called where a run or a job could not be done at all, with its name: `due`, `verify`, `anchor`, or that of the job. */
  readonly onError?: ((error: unknown, job: string) => void) | undefined
}

/** What a schedule works with. */
export interface ScheduleParts extends Omit<JobRunParts, 'tell'> {
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
    const ofHost = jobs.map((job): TimedJob => ({
      name: job.name,
      cron: job.cron,
      run: async (signal) => job.run(signal),
    }))
    const named = [...ofHost, ...this.#ofLog('verify', verifyCron), ...this.#ofLog('anchor', anchorCron)]
    const due = await timetable({ where: 'cron', cron, timezone })
    const times = await Promise.all(
      named.map(async (job) => timetable({ where: `jobs: ${job.name}`, cron: job.cron, timezone })),
    )
    // Somebody may have ended it while the expressions were read.
    if (this.#isStopped) return
    this.#begin('due', { times: due, tick: async (_, signal) => this.#due(signal) })
    named.forEach((job, at) => {
      const tick: Ticking['tick'] = async (moment, signal) => this.#jobRun(job, signal).through(moment)
      this.#begin(job.name, { times: times[at] as Ticking['times'], isAtOnce: true, tick })
    })
  }

  /** Ends, and waits for what is running. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#tickers.map(async (ticker) => ticker.stop()))
  }

  /** Runs until nothing more is due: a run does only so much. What fails is not due again for a while. */
  async #due(signal: AbortSignal): Promise<void> {
    for (let more = true; more && !signal.aborted;) {
      const report = await this.#parts.runDue(signal)
      this.#onRun(report)
      more = report.more
    }
  }

  #begin(job: string, ticking: Ticking): void {
    const { clock, timers, isClosed } = this.#parts
    const tick: Ticking['tick'] = async (at, signal) => {
      if (isClosed()) return void this.stop()
      try {
        await ticking.tick(at, signal)
      } catch (error) {
        if (!signal.aborted) this.#tell(error, job)
      }
    }
    this.#tickers.push(new Ticker({ ...ticking, tick }, clock, timers))
  }

  #jobRun(job: LeasedJob, signal: AbortSignal): JobRun {
    return new JobRun({ ...this.#parts, tell: (error) => this.#tell(error, job.name) }, job, signal)
  }

  #ofLog(name: keyof typeof logJobs, cron: string | undefined): TimedJob[] {
    if (cron === undefined) return []
    return [{ name, cron, run: async (signal, token) => this.#parts.run(logJobs[name], { token, signal }, { signal }) }]
  }

  /** What a listener throws is nobody's. */
  #tell(error: unknown, job: string): void {
    try {
      this.#onError(error, job)
    } catch {
      // Whoever is told of errors is told of no more than that.
    }
  }
}

interface TimedJob extends LeasedJob {
  readonly cron: string
}

/** What is done for the audit log at times of its own. */
const logJobs = Object.freeze({ verify: verifyOnSchedule, anchor: anchorOnSchedule })

/** What a caller asks for, as far as it can be checked without the expressions. @throws InvalidRequestError */
export function requireSchedule(options: ScheduleOptions): void {
  const { jobs, onRun, onError, leaseMs } = options
  requireLeaseMs(leaseMs)
  for (const [name, hook] of Object.entries({ onRun, onError })) {
    if (hook !== undefined && typeof hook !== 'function') throw invalid(name, 'it is no function')
  }
  if (jobs !== undefined && !Array.isArray(jobs)) throw invalid('jobs', 'it is no array')
  const names = (jobs ?? []).map(requireJob)
  if (new Set([...names, ...Object.keys(logJobs), 'due']).size < names.length + 3)
    throw invalid('jobs', 'a name is there twice')
}

/** How long leases are, where nobody says otherwise. */
export const defaultLeaseMs = 300_000

/** @throws InvalidRequestError */
export function requireLeaseMs(leaseMs: number = defaultLeaseMs): void {
  requireWithin('leaseMs', leaseMs, [1000, 3_600_000])
}

/** @throws InvalidRequestError */
export function requireWithin(name: string, value: number, [least, most]: readonly [number, number]): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw invalid(name, `it is no whole number from ${least} to ${most}`)
}

function requireJob(job: ScheduledJob): string {
  const isJob = typeof job === 'object' && job !== null && typeof job.run === 'function'
  if (isJob && typeof job.name === 'string' && /^[A-Za-z0-9/_.-]{1,256}$/.test(job.name)) return job.name
  throw invalid('jobs', 'one is no job, or has no name')
}

function invalid(path: string, message: string): InvalidRequestError {
  return new InvalidRequestError(`${path}: ${message}`, [{ path, message }])
}
