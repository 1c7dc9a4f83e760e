import { z } from 'zod'
import { ConflictError } from '../../errors.ts'
import { withReason } from '../../internal/reason.ts'
import type { UseOperation } from '../../runtime.ts'
import { authorizeVerification } from '../shared/verifying.ts'
import { wireForms } from '../shared/wire-form.ts'
import { standOnLease } from './job-lease.ts'

/** Under which claim it is done, and until when somebody waits for it. */
export interface LogJobRequest {
  readonly token: number
  readonly signal?: AbortSignal | undefined
}

const schema = z.strictObject({
  token: z.int().min(1),
  signal: z.instanceof(AbortSignal).meta(wireForms.local).optional(),
})
type LogJob = UseOperation<LogJobRequest, z.output<typeof schema>, undefined>

/** Verifies the audit log. One that does not verify is a failure, and on record as one where anything can be recorded. */
export const verifyOnSchedule: LogJob = {
  action: 'verifyAudit',
  effect: 'read',
  schema,
  perform: async ({ token, signal }, walk) => {
    await authorizeVerification(walk)
    const verification = await walk.house.verify({ signal })
    // What does not verify is told by whoever sees it.
    if (verification.ok) await standOnLease(walk, { job: 'verify', token })
    walk.note({ ok: verification.ok, records: verification.records })
    if (verification.ok) return undefined
    const { kind, seq } = verification.problem
    const message = `the audit log does not verify: ${kind}`
    throw withReason(new ConflictError(message), `${kind} at record ${String(seq)}`)
  },
}

/** Signs the audit log as it is, and brings it to every anchor. One that does not keep it is a failure. */
export const anchorOnSchedule: LogJob = {
  action: 'anchorAudit',
  effect: 'read',
  schema,
  perform: async ({ token }, walk) => {
    await walk.authorize('anchorAudit')
    const states = await walk.house.anchoring.publish()
    await standOnLease(walk, { job: 'anchor', token })
    const failed = states.filter(({ failures, state }) => failures > 0 || state === 'conflict')
    walk.note({ anchors: states.length, failed: failed.length })
    if (failed.length === 0) return undefined
    const names = failed.map(({ name, state }) => `${name} (${state})`).join(', ')
    throw withReason(new ConflictError(`anchors do not keep the audit log: ${names}`), `not kept by ${names}`)
  },
}
