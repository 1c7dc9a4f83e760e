import { activatePrincipal } from '../operations/activate-principal.ts'
import { anchorAudit } from '../operations/anchor-audit.ts'
import { blindIndex } from '../operations/blind-index.ts'
import { blindIndexes } from '../operations/blind-indexes.ts'
import { cancelKeyDeletion } from '../operations/cancel-key-deletion.ts'
import { checkpointAudit } from '../operations/checkpoint-audit.ts'
import { createAlias } from '../operations/create-alias.ts'
import { createDataKey } from '../operations/create-data-key.ts'
import { createGrant } from '../operations/create-grant.ts'
import { createKey, ensureKey } from '../operations/create-key.ts'
import { deactivatePrincipal } from '../operations/deactivate-principal.ts'
import { decapsulate } from '../operations/decapsulate.ts'
import { decryptDataKey } from '../operations/decrypt-data-key.ts'
import { decryptMany } from '../operations/decrypt-many.ts'
import { decryptRange } from '../operations/decrypt-range.ts'
import { decryptStream } from '../operations/decrypt-stream.ts'
import { decrypt } from '../operations/decrypt.ts'
import { deleteAlias } from '../operations/delete-alias.ts'
import { deleteImportedKeyMaterial } from '../operations/delete-imported-key-material.ts'
import { deriveSharedSecret } from '../operations/derive-shared-secret.ts'
import { describeKeyDefaults } from '../operations/describe-key-defaults.ts'
import { describeKey } from '../operations/describe-key.ts'
import { deterministicDecrypt } from '../operations/deterministic-decrypt.ts'
import { deterministicEncrypt } from '../operations/deterministic-encrypt.ts'
import { disableKey } from '../operations/disable-key.ts'
import { enableKey } from '../operations/enable-key.ts'
import { encapsulate } from '../operations/encapsulate.ts'
import { encryptMany } from '../operations/encrypt-many.ts'
import { encryptStream } from '../operations/encrypt-stream.ts'
import { encrypt } from '../operations/encrypt.ts'
import { ensureGrant } from '../operations/ensure-grant.ts'
import { exportKey } from '../operations/export-key.ts'
import { generateDataKeyPairWithoutPlaintext } from '../operations/generate-data-key-pair-without-plaintext.ts'
import { generateDataKeyPair } from '../operations/generate-data-key-pair.ts'
import { generateDataKeyWithoutPlaintext } from '../operations/generate-data-key-without-plaintext.ts'
import { generateDataKey } from '../operations/generate-data-key.ts'
import { generateMac } from '../operations/generate-mac.ts'
import { generateRandom } from '../operations/generate-random.ts'
import { getAuditVerifierKey } from '../operations/get-audit-verifier-key.ts'
import { getDataKey } from '../operations/get-data-key.ts'
import { getParametersForImport } from '../operations/get-parameters-for-import.ts'
import { getPublicKey } from '../operations/get-public-key.ts'
import { health } from '../operations/health.ts'
import { importKeyMaterial } from '../operations/import-key-material.ts'
import { listAliases } from '../operations/list-aliases.ts'
import { listQuotas } from '../operations/list-quotas.ts'
import { removeQuota } from '../operations/remove-quota.ts'
import { setQuota } from '../operations/set-quota.ts'
import { listAnchors } from '../operations/list-anchors.ts'
import { findAudit, listAudit } from '../operations/list-audit.ts'
import { listDataKeys } from '../operations/list-data-keys.ts'
import { listGrants } from '../operations/list-grants.ts'
import { listKeyVersions } from '../operations/list-key-versions.ts'
import { listKeys } from '../operations/list-keys.ts'
import { metrics } from '../operations/metrics.ts'
import { needsReEncryptMany } from '../operations/needs-re-encrypt-many.ts'
import { needsReEncrypt } from '../operations/needs-re-encrypt.ts'
import { problematicKeys } from '../operations/problematic-keys.ts'
import { prometheus } from '../operations/prometheus.ts'
import { proveAuditConsistency } from '../operations/prove-audit-consistency.ts'
import { proveAuditInclusion } from '../operations/prove-audit-inclusion.ts'
import { recordRefusals } from '../operations/record-refusals.ts'
import { reEncryptHeader } from '../operations/re-encrypt-header.ts'
import { reEncryptStream } from '../operations/re-encrypt-stream.ts'
import { reEncryptMany } from '../operations/re-encrypt-many.ts'
import { reEncrypt } from '../operations/re-encrypt.ts'
import { revokeGrant } from '../operations/revoke-grant.ts'
import { revokeKey } from '../operations/revoke-key.ts'
import { rotationCandidates } from '../operations/rotation-candidates.ts'
import { rotateAuditKey } from '../operations/rotate-audit-key.ts'
import { rotateDataKey } from '../operations/rotate-data-key.ts'
import { rotateKey } from '../operations/rotate-key.ts'
import { scheduleKeyDeletion } from '../operations/schedule-key-deletion.ts'
import { signMany } from '../operations/sign-many.ts'
import { sign } from '../operations/sign.ts'
import { topUsage } from '../operations/top-usage.ts'
import { trimKey } from '../operations/trim-key.ts'
import { unusedKeys } from '../operations/unused-keys.ts'
import { updateAlias } from '../operations/update-alias.ts'
import { updateKeyDefaults } from '../operations/update-key-defaults.ts'
import { updateKey } from '../operations/update-key.ts'
import { upsertGrant } from '../operations/upsert-grant.ts'
import { usage } from '../operations/usage.ts'
import { verifyAudit } from '../operations/verify-audit.ts'
import { verifyMac } from '../operations/verify-mac.ts'
import { verifyMany } from '../operations/verify-many.ts'
import { verify } from '../operations/verify.ts'

/** Every operation that a client has, by the name that adapters call it: what is not in here cannot be asked from afar. */
export const catalog = Object.freeze({
  createKey,
  ensureKey,
  describeKey,
  listKeys,
  listKeyVersions,
  updateKey,
  rotateKey,
  disableKey,
  enableKey,
  revokeKey,
  scheduleKeyDeletion,
  cancelKeyDeletion,
  trimKey,
  describeKeyDefaults,
  updateKeyDefaults,
  createAlias,
  updateAlias,
  deleteAlias,
  listAliases,
  setQuota,
  removeQuota,
  listQuotas,
  getPublicKey,
  getParametersForImport,
  importKeyMaterial,
  deleteImportedKeyMaterial,
  exportKey,
  encrypt,
  decrypt,
  reEncrypt,
  encryptMany,
  decryptMany,
  reEncryptMany,
  decryptRange,
  reEncryptHeader,
  needsReEncrypt,
  needsReEncryptMany,
  deterministicEncrypt,
  deterministicDecrypt,
  blindIndex,
  blindIndexes,
  generateDataKey,
  generateDataKeyWithoutPlaintext,
  decryptDataKey,
  generateDataKeyPair,
  generateDataKeyPairWithoutPlaintext,
  createDataKey,
  getDataKey,
  rotateDataKey,
  listDataKeys,
  sign,
  verify,
  signMany,
  verifyMany,
  generateMac,
  verifyMac,
  deriveSharedSecret,
  encapsulate,
  decapsulate,
  generateRandom,
  createGrant,
  ensureGrant,
  upsertGrant,
  listGrants,
  revokeGrant,
  activatePrincipal,
  deactivatePrincipal,
  listAudit,
  findAudit,
  verifyAudit,
  anchorAudit,
  listAnchors,
  checkpointAudit,
  getAuditVerifierKey,
  proveAuditInclusion,
  proveAuditConsistency,
  rotateAuditKey,
  health,
  recordRefusals,
  metrics,
  usage,
  topUsage,
  problematicKeys,
  prometheus,
  rotationCandidates,
  unusedKeys,
})

/** The operations on streams of bytes. */
export const streamCatalog = Object.freeze({ encryptStream, decryptStream, reEncryptStream })

/** The name of an operation. */
export type OperationName = keyof typeof catalog

/** The name of an operation on a stream. */
export type StreamOperationName = keyof typeof streamCatalog

/** What an operation takes, as its caller writes it. */
export type RequestOf<N extends OperationName> = (typeof catalog)[N]['schema']['_zod']['input']

/** What an operation gives. */
export type ResultOf<N extends OperationName> = Awaited<ReturnType<(typeof catalog)[N]['perform']>>
