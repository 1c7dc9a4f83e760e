import { z } from 'zod'
import type { LogVerifierKey } from '../audit/proofs.ts'
import type { UseOperation } from '../runtime.ts'

const schema = z.strictObject({})

/** Says with which key the audit log's checkpoints are verified. */
export const getAuditVerifierKey: UseOperation<Record<never, never>, z.output<typeof schema>, LogVerifierKey> = {
  action: 'getAuditVerifierKey',
  effect: 'read',
  schema,
  perform: async (_, walk) => {
    await walk.authorize('getAuditVerifierKey')
    return walk.house.proofs.verifierKey()
  },
}
