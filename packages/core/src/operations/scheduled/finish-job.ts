import { z } from 'zod'
import type { ChangeOperation } from '../../runtime.ts'
import { name } from '../shared/fields.ts'
import { requireHeld, type JobLease } from './job-lease.ts'

/** Who is through with a job. */
export interface FinishJobRequest extends JobLease {
  /** Whether it could be done. */
  readonly ok: boolean
}

const schema = z.strictObject({ job: name, token: z.int().min(1), ok: z.boolean() })

/**
 * Is through with a job: nobody does it again for its moment, be it that it was done or that it failed.
 *
 * @throws ConflictError where somebody has taken it over
 */
export const finishJob: ChangeOperation<FinishJobRequest, z.output<typeof schema>, undefined> = {
  action: 'finishJob',
  effect: 'change',
  schema,
  perform: async ({ job, token, ok }, change) => {
    await change.authorize('finishJob')
    change.note({ job, ok })
    await change.set.remove('jobs', await requireHeld(change.set, { job, token }))
    return undefined
  },
}
