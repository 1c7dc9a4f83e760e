import { ConflictError } from '../../errors.ts'
import { dayMs } from '../../keys/validity.ts'
import type { Walk } from '../../runtime.ts'
import type { ChangeSet } from '../../state/change-set.ts'
import type { JobRow } from '../../state/lifecycle-rows.ts'
import type { Query } from '../../state/query.ts'
import { rowsAs } from '../../state/rows.ts'

/** A job, and a moment of its timetable. */
export interface JobMoment {
  readonly job: string
  /** In milliseconds since 1970. Without one it is about what somebody began and did not finish. */
  readonly at?: number | undefined
}

/** A job that somebody does. */
export interface JobLease {
  readonly job: string
  /** The revision of the row of the job since the claim: whoever takes it over fences this one off. */
  readonly token: number
}

/** What there is to know of a job. */
export interface JobRows {
  /** Until which moment it was taken over. */
  readonly taken: JobRow | undefined
  /**
   * Until when nobody else takes over what is being done; not there when it was done. That time is by the wall clock of
   * whoever wrote it, and compared with the one of whoever looks. A process whose clock is ahead takes over early by as
   * much, and fences the other one off; one whose clock is behind takes over late.
   */
  readonly lease: JobRow | undefined
}

/** How a moment of a job stands. */
export type JobStanding =
  | { readonly state: 'free' }
  | { readonly state: 'done' }
  /** Somebody does it, or one before it; `until` is when that may be taken over. */
  | { readonly state: 'held'; readonly until: number }

const done: JobStanding = Object.freeze({ state: 'done' })
const free: JobStanding = Object.freeze({ state: 'free' })

/** Until which moment a job was taken over. */
export function takenOf(job: string): Query<JobRow | undefined> {
  return { table: 'jobs', key: [job], decode: (rows) => rowsAs<JobRow>(rows)[0] }
}

/** Whether, and until when, somebody is doing a job. No job is called so. */
export function leaseOf(job: string): Query<JobRow | undefined> {
  return { table: 'jobs', key: [leaseName(job)], decode: (rows) => rowsAs<JobRow>(rows)[0] }
}

/** The name of a lease's row. */
export function leaseName(job: string): string {
  return `lease:${job}`
}

/** How a moment of a job stands for somebody whose clock says `now`. */
export function standingOf({ taken, lease }: JobRows, at: number | undefined, now: number): JobStanding {
  if (lease !== undefined) {
    const until = lease.takenUntil
    return now < until && !isFarAhead(until, now) ? { state: 'held', until } : free
  }
  return at === undefined || isTaken(taken, at, now) ? done : free
}

/** The moment that somebody does who takes a job over: what was begun and not finished is done with it. */
export function momentToDo({ taken }: JobRows, at: number | undefined, now: number): number {
  return at === undefined || isTaken(taken, at, now) ? (taken?.takenUntil ?? now) : at
}

function isTaken(taken: JobRow | undefined, at: number, now: number): boolean {
  return taken !== undefined && taken.takenUntil >= at && !isFarAhead(taken.takenUntil, now)
}

/**
 * What is more than a day from now was written by a clock that was wrong: it holds nobody up, or a job would not be done
 * for as long as that clock was ahead.
 */
function isFarAhead(time: number, now: number): boolean {
  return time > now + dayMs
}

/** The lease of somebody who does a job, unless it was taken over. @throws ConflictError */
export async function requireHeld(set: ChangeSet, { job, token }: JobLease): Promise<JobRow> {
  const taken = await set.read(takenOf(job))
  const lease = await set.read(leaseOf(job))
  if (taken?.rev !== token || lease === undefined) throw lost()
  return lease
}

/** That what was done for a job is recorded only if nobody has taken it over by then. @throws ConflictError */
export async function standOnLease(walk: Walk, { job, token }: JobLease): Promise<void> {
  if ((await walk.row(takenOf(job)))?.rev !== token) throw lost()
}

function lost(): ConflictError {
  return new ConflictError('somebody else has taken the job over')
}
