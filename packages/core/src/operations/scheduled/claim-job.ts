import { z } from 'zod'
import { ConflictError } from '../../errors.ts'
import type { ChangeOperation, ChangeWalk, UseOperation } from '../../runtime.ts'
import { name } from '../shared/fields.ts'
import {
  leaseName,
  leaseOf,
  momentToDo,
  standingOf,
  takenOf,
  type JobLease,
  type JobMoment,
  type JobRows,
  type JobStanding,
} from './job-lease.ts'

/** Which moment of a job is claimed, and for how long at least. */
export interface ClaimJobRequest extends JobMoment {
  readonly leaseMs: number
}

const moment = { job: name, at: z.int().min(0).optional() }
const lookSchema = z.strictObject(moment)
const claimSchema = z.strictObject({ ...moment, leaseMs: z.int().min(1) })

/** How a moment of a job stands. */
export const lookAtJob: UseOperation<JobMoment, z.output<typeof lookSchema>, JobStanding> = {
  action: 'lookAtJob',
  effect: 'read',
  schema: lookSchema,
  perform: async ({ job, at }, walk) => {
    await walk.authorize('lookAtJob')
    const rows = { taken: await walk.row(takenOf(job)), lease: await walk.row(leaseOf(job)) }
    return standingOf(rows, at, walk.now)
  },
}

/**
 * Takes a moment of a job over, before it is done: one process does, and no other until its lease ends. A crash leaves the
 * lease, and whoever looks when it has ended takes the moment over.
 *
 * @throws ConflictError
 */
export const claimJob: ChangeOperation<ClaimJobRequest, z.output<typeof claimSchema>, JobLease> = {
  action: 'claimJob',
  effect: 'change',
  schema: claimSchema,
  perform: async ({ job, at, leaseMs }, change) => {
    await change.authorize('claimJob')
    const { set, now } = change
    const rows = { taken: await set.read(takenOf(job)), lease: await set.read(leaseOf(job)) }
    const takenUntil = momentToDo(rows, at, now)
    change.note({ job, at: new Date(takenUntil).toISOString() })
    if (standingOf(rows, at, now).state !== 'free') throw taken()
    const token = await put(change, rows.taken, { name: job, takenUntil })
    await put(change, rows.lease, { name: leaseName(job), takenUntil: now + leaseMs })
    return { job, token }
  },
}

/** Writes a row. Its revision is what comes back. */
async function put({ set, now, actor }: ChangeWalk, before: JobRows['taken'], row: JobColumns): Promise<number> {
  if (before !== undefined) return (await set.update('jobs', before, row)).rev
  await set.insert('jobs', { ...row, createdAt: now, createdBy: actor.id }, taken)
  return 1
}

type JobColumns = Pick<NonNullable<JobRows['taken']>, 'name' | 'takenUntil'>

function taken(): ConflictError {
  return new ConflictError('another process does this job')
}
