import { z } from 'zod'
import type { ChangeOperation } from '../../runtime.ts'
import { name } from '../shared/fields.ts'
import { requireHeld, type JobLease } from './job-lease.ts'

/** Who goes on with a job, and for how long at least. */
export interface KeepJobRequest extends JobLease {
  readonly leaseMs: number
}

const schema = z.strictObject({ job: name, token: z.int().min(1), leaseMs: z.int().min(1) })

/** Goes on with a job that takes long: nobody takes it over meanwhile. @throws ConflictError where somebody has */
export const keepJob: ChangeOperation<KeepJobRequest, z.output<typeof schema>, undefined> = {
  action: 'keepJob',
  effect: 'change',
  schema,
  perform: async ({ job, token, leaseMs }, change) => {
    await change.authorize('keepJob')
    change.note({ job })
    const lease = await requireHeld(change.set, { job, token })
    await change.set.update('jobs', lease, { takenUntil: change.now + leaseMs })
    return undefined
  },
}
