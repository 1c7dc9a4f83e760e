import { z } from 'zod'
import { ConflictError } from '../../errors.ts'
import { dayMs } from '../../keys/validity.ts'
import type { ChangeOperation, UseOperation } from '../../runtime.ts'
import type { JobRow } from '../../state/lifecycle-rows.ts'
import type { Query } from '../../state/query.ts'
import { rowsAs } from '../../state/rows.ts'
import { name } from '../shared/fields.ts'

/** A job, and a moment of its timetable. */
export interface JobMoment {
  readonly job: string
  /** In milliseconds since 1970. */
  readonly at: number
}

const schema = z.strictObject({ job: name, at: z.int().min(0) })

function jobNamed(job: string): Query<JobRow | undefined> {
  return { table: 'jobs', key: [job], decode: (rows) => rowsAs<JobRow>(rows)[0] }
}

/**
 * Whether a moment was taken over. One that is more than a day from now was taken over by a clock that was wrong: it
 * holds nobody up, or a job would not be done for as long as that clock was ahead.
 */
function isTaken({ takenUntil }: JobRow, at: number, now: number): boolean {
  return takenUntil >= at && takenUntil <= now + dayMs
}

/** Whether no process has taken this moment of a job over yet. */
export const isJobFree: UseOperation<JobMoment, z.output<typeof schema>, boolean> = {
  action: 'isJobFree',
  effect: 'read',
  schema,
  perform: async ({ job, at }, walk) => {
    await walk.authorize('isJobFree')
    const row = await walk.row(jobNamed(job))
    return row === undefined || !isTaken(row, at, walk.now)
  },
}

/** Takes a moment of a job over, before it is done: one process does, and no other. @throws ConflictError */
export const claimJob: ChangeOperation<JobMoment, z.output<typeof schema>, undefined> = {
  action: 'claimJob',
  effect: 'change',
  schema,
  perform: async ({ job, at }, change) => {
    await change.authorize('claimJob')
    change.note({ job, at: new Date(at).toISOString() })
    const taken = (): ConflictError => new ConflictError('another process does this job')
    const row = await change.set.read(jobNamed(job))
    if (row === undefined) {
      const made = { createdAt: change.now, createdBy: change.actor.id }
      await change.set.insert('jobs', { name: job, takenUntil: at, ...made }, taken)
    } else {
      if (isTaken(row, at, change.now)) throw taken()
      await change.set.update('jobs', row, { takenUntil: at })
    }
    return undefined
  },
}
