/** An embeddable key management service. @packageDocumentation */

// Opening one
export { createKms, Kms, Tenants, type AsOptions, type ListTenantsRequest } from './kms.ts'
export { restoreKms, type RestoreOptions } from './restore.ts'
export type { KmsOptions, NamedPrincipal, Principal, RecordedIdentities, RollbackAcceptance } from './options.ts'
export { fileHighWaterMark } from './audit/file-mark.ts'
export type { HighWaterMark, Mark } from './audit/high-water-mark.ts'
export type { CallOptions } from './call.ts'
export type { Role } from './stages.ts'
export { envRootKey, generateRootKey, localRootKey } from './root-key/local.ts'
export { fileRootKey, type FileRootKeyOptions } from './root-key/file.ts'
export { passphraseRootKey, type PassphraseRootKeyOptions } from './root-key/passphrase.ts'
export type { Argon2idStretching, ScryptStretching, Stretching } from './crypto/passphrase.ts'
export { anyOf, type AnyOfOptions } from './root-key/any-of.ts'
export type { RootKey, RootKeyContext, RootKeyDescription } from './root-key/root-key.ts'
export type { Clock, Timers } from './internal/clock.ts'
export type { Randomness } from './crypto/randomness.ts'

export type { BackupOptions } from './face/backup-options.ts'
export { RootKeys } from './face/root-keys.ts'
export type { EpochOpener, EpochRows, EpochStatus, EpochWrapping } from './face/root-key-options.ts'
export type { RewrapOptions, RewrapProgress, Rewrapping } from './face/root-key-options.ts'
export type { RootKeyRotation, RootKeyStatus, RotateRootKeyOptions } from './face/root-key-options.ts'

// Working with it
export { KmsClient } from './face/client.ts'
export type { EncryptJsonRequest, EncryptTextRequest } from './face/text.ts'
export { StreamingClient } from './face/streaming-client.ts'
export { Namespaces } from './face/namespaces.ts'
export { KeyHandle } from './face/handle.ts'
export type { KeyIdentity, PublicKeyOptions, RotateOptions, StateOptions } from './face/handle.ts'
export type { HandleOf, HandlesByUsage } from './face/handles.ts'
export { EncryptionKey } from './face/encryption-key.ts'
export type { DecryptDataKeyOptions, DecryptOptions, EncryptOptions, ReEncryptOptions } from './face/encryption-key.ts'
export type { DecryptStreamOptions, EncryptStreamOptions, ReEncryptStreamOptions } from './face/encryption-key.ts'
export type { HandleDecryptItem, HandleEncryptItem, HandleReEncryptItem } from './face/encryption-key.ts'
export { SigningKey } from './face/signing-key.ts'
export type { HandleSignItem, HandleVerifyItem, SignOptions, VerifyOptionsOfKey } from './face/signing-key.ts'
export type { DeterministicDecryptOptions, DeterministicEncryptOptions } from './face/encryption-key.ts'
export { MacKey, type BlindIndexOptions, type GenerateMacOptions, type VerifyMacOptions } from './face/mac-key.ts'
export { AgreementKey, type DeriveOptions } from './face/agreement-key.ts'
export { EncapsulationKey, type DecapsulateOptions } from './face/encapsulation-key.ts'
export { isCiphertext } from './face/is-ciphertext.ts'
export type { Ciphertext, EncryptionContext, Plaintext } from './operations/shared/fields.ts'
export type { DecryptRequest, DecryptResult, EncryptRequest, EncryptResult } from './operations/shared/messages.ts'
export type { DecryptDataKeyRequest } from './operations/shared/messages.ts'
export type { ReEncryptRequest, ReEncryptResult } from './operations/shared/messages.ts'
export type { EncryptStreamRequest } from './operations/encrypt-stream.ts'
export type { DecryptStreamRequest } from './operations/decrypt-stream.ts'
export type { ReEncryptStreamRequest } from './operations/re-encrypt-stream.ts'
export type { DecryptRangeRequest, DecryptRangeResult, ReadAt } from './operations/decrypt-range.ts'
export type { ReEncryptHeaderRequest, ReEncryptHeaderResult } from './operations/re-encrypt-header.ts'
export type { ByteTransform } from './stream-session.ts'
export type { EncryptItem, EncryptManyRequest, EncryptManyResult } from './operations/encrypt-many.ts'
export type { BulkAndSearch } from './face/bulk-and-search.ts'
export type { ReEncryptAllOptions, ReEncryptAllResult, ReEncryptProgress, ReEncryptRow } from './face/re-encryption.ts'
export type { ReEncryptFailure, ReEncryptSource, ReEncryptedRow } from './face/re-encryption.ts'
export type { NeedsReEncryptRequest, NeedsReEncryptResult } from './operations/shared/re-encryption-needs.ts'
export type { NeedsReEncryptItem, NeedsReEncryptManyRequest } from './operations/needs-re-encrypt-many.ts'
export type { NeedsReEncryptManyResult } from './operations/needs-re-encrypt-many.ts'
export type { BlindIndexRequest, BlindIndexResult } from './operations/shared/blind-indexes.ts'
export type { BlindIndexesResult } from './operations/blind-indexes.ts'
export type { NormalizerName } from './operations/shared/normalizers.ts'
export type { DeterministicEncryptRequest } from './operations/shared/deterministic.ts'
export type { DeterministicDecryptRequest } from './operations/deterministic-decrypt.ts'
export type { DecryptItem, DecryptManyRequest, DecryptManyResult } from './operations/decrypt-many.ts'
export type { ReEncryptItem, ReEncryptManyRequest, ReEncryptManyResult } from './operations/re-encrypt-many.ts'
export type { ManyFailure, ManyItem, ManySuccess, Page } from './runtime.ts'
export type { GenerateDataKeyRequest, GenerateDataKeyResult } from './operations/shared/data-keys.ts'
export type { DataKeyPairSpec, GenerateDataKeyPairRequest } from './operations/shared/data-key-pairs.ts'
export type { GenerateDataKeyPairResult } from './operations/shared/data-key-pairs.ts'
export type { GenerateDataKeyPairWithoutPlaintextResult } from './operations/shared/data-key-pairs.ts'
export type { DataKeyScope, LentDataKey } from './operations/use-data-key.ts'
export type { DataKeyWork } from './face/with-data-key.ts'
export type { SignatureRequest, SigningAlgorithmName } from './operations/shared/signing.ts'
export type { SignRequest, SignResult, VerifyRequest, VerifyResult } from './operations/shared/signing.ts'
export type { MessageType, SignatureFormat } from './crypto/signing.ts'
export type { SignItem, SignManyRequest, SignManyResult } from './operations/sign-many.ts'
export type { VerifyItem, VerifyManyRequest, VerifyManyResult } from './operations/verify-many.ts'
export type { GenerateMacRequest, GenerateMacResult, MacAlgorithmName } from './operations/shared/macs.ts'
export type { VerifyMacRequest, VerifyMacResult } from './operations/shared/macs.ts'
export type { DeriveSharedSecretRequest, DeriveSharedSecretResult } from './operations/derive-shared-secret.ts'
export type { EncapsulateRequest, EncapsulateResult } from './operations/encapsulate.ts'
export type { DecapsulateRequest, DecapsulateResult } from './operations/decapsulate.ts'
export type { GetPublicKeyRequest, GetPublicKeyResult } from './operations/get-public-key.ts'
export type { JsonWebKey } from './crypto/key-pair.ts'
export type { GenerateRandomRequest, GenerateRandomResult } from './operations/generate-random.ts'

// Keys
export type { Keys } from './face/keys.ts'
export type { KeySpec, KeyState, KeyUsage, VersionState } from './state/rows.ts'
export type { CreateKeyRequest, EnsureKeyRequest, NewKey } from './operations/create-key.ts'
export type { KeyPurpose, UsageOf } from './operations/shared/purpose.ts'
export type { KeyMaterial, PublicKeyInput } from './operations/shared/key-material.ts'
export type {
  GetParametersForImportRequest,
  GetParametersForImportResult,
} from './operations/get-parameters-for-import.ts'
export type { ImportKeyMaterialRequest } from './operations/import-key-material.ts'
export type { DeleteImportedKeyMaterialRequest } from './operations/delete-imported-key-material.ts'
export type { ExportKeyRequest, ExportKeyResult } from './operations/export-key.ts'
export type { WrappingAlgorithm, WrappingKeySpec } from './operations/shared/wrappings.ts'
export type { DescribeKeyRequest } from './operations/describe-key.ts'
export type { UpdateKeyRequest } from './operations/update-key.ts'
export type { RotateKeyRequest } from './operations/rotate-key.ts'
export type { KeyStateRequest } from './operations/shared/key-state.ts'
export type { RevokeKeyRequest } from './operations/revoke-key.ts'
export type { ScheduledKeyDeletion, ScheduleKeyDeletionRequest } from './operations/schedule-key-deletion.ts'
export type { TrimKeyRequest, TrimKeyResult } from './operations/trim-key.ts'
export type { KeyDurations, KeyPolicies, KeyPolicyDescription } from './operations/shared/policies.ts'
export { deviceKey, shortGrace } from './operations/shared/presets.ts'
export type { CancelKeyDeletionRequest } from './operations/cancel-key-deletion.ts'
export type { ListKeyVersionsRequest } from './operations/list-key-versions.ts'
export { keyTag } from './operations/shared/key-tag.ts'
export type { ListKeysRequest } from './operations/list-keys.ts'
export type { KeyDescription, KeySettings, KeyVersionDescription } from './operations/shared/keys.ts'
export type { Aliases } from './face/aliases.ts'
export type { AliasDescription } from './operations/shared/aliases.ts'
export type { CreateAliasRequest } from './operations/create-alias.ts'
export type { UpdateAliasRequest } from './operations/update-alias.ts'
export type { DeleteAliasRequest } from './operations/delete-alias.ts'
export type { ListAliasesRequest } from './operations/list-aliases.ts'

// Named data keys
export type { DataKeys } from './face/data-keys.ts'
export type { DataKeySpec, DataKeyState } from './state/rows.ts'
export type { CreateDataKeyRequest } from './operations/create-data-key.ts'
export type { GetDataKeyRequest, GetDataKeyResult } from './operations/get-data-key.ts'
export type { RotateDataKeyRequest } from './operations/rotate-data-key.ts'
export type { ListDataKeysRequest } from './operations/list-data-keys.ts'
export type { DataKeyDescription, DataKeyReference } from './operations/shared/named-data-keys.ts'

// Access
export type { Grants } from './face/grants.ts'
export type { Principals } from './face/principals.ts'
export type { Quotas } from './face/quotas.ts'
export type { QuotaOperation } from './access/quota.ts'
export type { QuotaScope } from './state/lifecycle-rows.ts'
export type { QuotaDescription, QuotaRequest } from './operations/shared/quotas.ts'
export type { RemoveQuotaRequest } from './operations/remove-quota.ts'
export { manageKey, type GrantOperation } from './access/grant-operation.ts'
export type { GrantConstraints } from './access/grant.ts'
export type { CreateGrantRequest, GrantDescription } from './operations/shared/grants.ts'
export type { EnsureGrantRequest } from './operations/ensure-grant.ts'
export type { UpsertGrantRequest } from './operations/upsert-grant.ts'
export type { ListGrantsRequest } from './operations/list-grants.ts'
export type { RevokeGrantRequest } from './operations/revoke-grant.ts'
export type { PrincipalDescription, PrincipalRequest } from './operations/shared/principals.ts'

// Audit and operations
export type { Audit } from './face/audit.ts'
export type { PruneRequest } from './operations/plan-prune.ts'
export type { AuditPruning, FindAuditRequest } from './face/audit.ts'
export type { TailRequest } from './face/run.ts'
export type { Ops } from './face/ops.ts'
export type { AuditRecord, RecordFault } from './audit/audit-record.ts'
export type { RecordChange, RecordCounts, RecordDetails, RecordStatus } from './audit/record.ts'
export type { Touched } from './state/cache.ts'
export type { DamagedRecord, ListAuditRequest, StoredRecord } from './operations/list-audit.ts'
export {
  AnchorConflictError,
  type AnchoredCheckpoint,
  type AnchorState,
  type AuditAnchor,
} from './audit/anchors/anchor.ts'
export { fileAnchor, type FileAnchorOptions } from './audit/anchors/file.ts'
export { witnessAnchor, type WitnessOptions } from './audit/anchors/witness.ts'
export type { ConsistencyProof, InclusionProof, LogVerifierKey, SignedCheckpoint } from './audit/proofs.ts'
export type { AuditExport, AuditExportRequest, TilesExport, TilesExportRequest } from './face/audit-export.ts'
export type { ConsistencyProofRequest } from './operations/prove-audit-consistency.ts'
export type { InclusionProofRequest } from './operations/prove-audit-inclusion.ts'
export type { RotateAuditKeyRequest, RotateAuditKeyResult } from './operations/rotate-audit-key.ts'
export type { AuditVerification, VerificationRecord, VerifyAuditRequest } from './operations/verify-audit.ts'
export type { AuditProblem, BrokenLog, IntactLog, Verification, VerifyOptions } from './audit/verification.ts'
export type { Health, HealthReason, HealthStatus } from './operations/health.ts'
export type { RotationCandidate, RotationReason, RotationCandidatesRequest } from './operations/rotation-candidates.ts'
export type { UnusedKey, UnusedKeysRequest } from './operations/unused-keys.ts'
export type { FailureCount, Metrics, MetricsRequest, MissingCounts } from './operations/metrics.ts'
export type { Usage, UsageRequest } from './operations/usage.ts'
export type { SeriesUsage, TopUsage, TopUsageRequest } from './operations/top-usage.ts'
export type { ProblematicKey, ProblematicKeys, ProblematicKeysRequest } from './operations/problematic-keys.ts'
export type {
  DurationMetrics,
  Durations,
  ItemCounts,
  OperationMetrics,
  UsageCounts,
  UsageHours,
  UsageWindow,
  WindowDescription,
} from './operations/shared/usage.ts'
export type { KeyCounts } from './audit/usage/standing.ts'
export type { HouseHealth, RootKeyState, VerificationHealth } from './house-health.ts'
export type { KmsEvents, KmsEventType, RecordEvent, TamperingEvent } from './signals/event.ts'
export type { Logger } from './signals/logger.ts'
export { Scheduler, type RunDueOptions } from './scheduler/scheduler.ts'
export type { ScheduledJob, ScheduleOptions } from './scheduler/schedule.ts'
export type { DueDeed, DueFailure, DueReport } from './scheduler/due-run.ts'
export type { Job } from './keys/due.ts'
export type { AfterGrace } from './state/policy.ts'
export type { OperationEnd, OperationStart, Telemetry, TelemetryGauges } from './signals/telemetry.ts'
export { inspectKms, Inspection, type InspectOptions, type InspectProblem } from './inspect.ts'

// Lists
export { Listing } from './face/listing.ts'
export type { PageRequest } from './operations/shared/pages.ts'

// Errors
export { isKmsError, KmsError } from './errors.ts'
export { QuotaExceededError } from './internal/quota-exceeded.ts'
export type { KmsErrorCode, KmsErrorOptions } from './errors.ts'
export type { RequestIssue } from './internal/request-issue.ts'
export {
  AbortedError,
  AccessDeniedError,
  AuditOverloadedError,
  AuditUnavailableError,
  ClosedError,
  ConflictError,
  PreconditionFailedError,
  InvalidCiphertextError,
  InvalidKeyStateError,
  InvalidKeyUsageError,
  InvalidRequestError,
  KeyNotFoundError,
  LimitExceededError,
  NameTakenError,
  RollbackDetectedError,
  RootKeyMismatchError,
  RootKeyMissingError,
  RootKeyUnavailableError,
  StorageTamperedError,
  StorageUnavailableError,
  TenantNotFoundError,
  UnsupportedOnThisRuntimeError,
} from './errors.ts'

// The storage contract is in `@chatelaine/core/storage`.
export type { StorageAdapter } from './storage/adapter.ts'
