import { z } from 'zod'
import { wireForms } from './shared/wire-form.ts'
import type { Verification } from '../audit/verification.ts'
import type { UseOperation } from '../runtime.ts'
import { authorizeVerification } from './shared/verifying.ts'

/** How to verify the audit log. */
export interface VerifyAuditRequest {
  /** Start at this `seq`: links, columns and the head are checked, tree and checkpoints only from 0 on. A log that is shorter is not whole. @defaultValue 0 */
  readonly from?: number | undefined
  /**
   * Whether the rows of the state are compared with the state tree that the head names, as well: takes time by the
   * number of rows. @defaultValue `true`, or `false` where `from` is given
   */
  readonly state?: boolean | undefined
  /** Gives up when aborted. */
  readonly signal?: AbortSignal | undefined
  /** Called after every page of records with how many are done, and of how many. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** What a verification found, and whether the verification itself could be recorded. */
export type AuditVerification = Verification & VerificationRecord

/** Whether a verification was recorded itself. */
export interface VerificationRecord {
  /** `false` where the log could be read but not written. */
  readonly recorded: boolean
}

const schema = z.strictObject({
  from: z.int().min(0).optional(),
  state: z.boolean().optional(),
  signal: z.instanceof(AbortSignal).meta(wireForms.local).optional(),
  onProgress: z
    .custom<(done: number, total: number) => void>((value) => typeof value === 'function')
    .meta(wireForms.local)
    .optional(),
})

/** Verifies the audit log. Answers even where that cannot be recorded: it carries no key, plaintext or permission. */
export const verifyAudit: UseOperation<VerifyAuditRequest, z.output<typeof schema>, AuditVerification> = {
  action: 'verifyAudit',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    await authorizeVerification(walk)
    const verification = await walk.house.verify(request)
    walk.note({ ok: verification.ok, records: verification.records })
    return { ...verification, recorded: false }
  },
  mark: (result, recorded) => ({ ...result, recorded }),
}
