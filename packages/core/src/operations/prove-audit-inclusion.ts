import { z } from 'zod'
import type { InclusionProof } from '../audit/proofs.ts'
import type { UseOperation } from '../runtime.ts'

/** Which record to prove. */
export interface InclusionProofRequest {
  /** Its place in the log. */
  readonly seq: number
  /** Prove it to a checkpoint that was stored, by its size; an anchored one, say. @defaultValue the log as it is, signed now */
  readonly size?: number | undefined
}

const schema: z.ZodType<InclusionProofRequest, InclusionProofRequest> = z.strictObject({
  seq: z.int().min(0),
  size: z.int().min(1).optional(),
})

/** Proves that a record stands in the audit log. */
export const proveAuditInclusion: UseOperation<InclusionProofRequest, InclusionProofRequest, InclusionProof> = {
  action: 'proveAuditInclusion',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    await walk.authorize('proveAuditInclusion')
    const proof = await walk.house.proofs.inclusion(request)
    walk.note({ seq: proof.seq, size: proof.size })
    return proof
  },
}
