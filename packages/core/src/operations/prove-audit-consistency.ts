import { z } from 'zod'
import type { ConsistencyProof } from '../audit/proofs.ts'
import type { UseOperation } from '../runtime.ts'

/** Between which sizes of the log to prove that it only grew. */
export interface ConsistencyProofRequest {
  /** The smaller size, at least 1: that of a checkpoint which somebody kept. */
  readonly from: number
  /** The greater size, of a checkpoint that was stored. @defaultValue the log as it is, signed now */
  readonly to?: number | undefined
}

const schema: z.ZodType<ConsistencyProofRequest, ConsistencyProofRequest> = z.strictObject({
  from: z.int().min(1),
  to: z.int().min(1).optional(),
})

/** Proves that the audit log only grew between two sizes. */
export const proveAuditConsistency: UseOperation<ConsistencyProofRequest, ConsistencyProofRequest, ConsistencyProof> = {
  action: 'proveAuditConsistency',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    await walk.authorize('proveAuditConsistency')
    const proof = await walk.house.proofs.consistency(request)
    walk.note({ from: proof.from, to: proof.to })
    return proof
  },
}
