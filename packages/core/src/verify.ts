/**
 * Verification of audit logs without storage and without root key: what an auditor needs.
 *
 * @packageDocumentation
 */

export { verifyCheckpoint, verifyConsistency, verifyProof } from './audit/offline.ts'
export type {
  BadVerdict,
  CheckedCheckpoint,
  GoodVerdict,
  GrowthToVerify,
  OfflineProblem,
  ProofToVerify,
  ProvenGrowth,
  ProvenRecord,
  Verdict,
} from './audit/offline.ts'
export { isConsistent, isIncluded, type ConsistencyClaim, type InclusionClaim } from './audit/merkle-proof.ts'
export {
  parseNote,
  parseVerifierKey,
  signersOf,
  type Note,
  type NoteSignature,
  type VerifierKey,
} from './audit/note.ts'
export { verifyExport, type VerifiedExport, type VerifyExportOptions } from './audit/verify-export.ts'
