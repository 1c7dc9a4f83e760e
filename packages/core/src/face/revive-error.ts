import { tagged } from '../call.ts'
import {
  AbortedError,
  AccessDeniedError,
  AuditOverloadedError,
  AuditUnavailableError,
  ClosedError,
  ConflictError,
  InvalidCiphertextError,
  InvalidKeyStateError,
  InvalidKeyUsageError,
  InvalidRequestError,
  KeyNotFoundError,
  LimitExceededError,
  PreconditionFailedError,
  NameTakenError,
  RollbackDetectedError,
  RootKeyMismatchError,
  RootKeyMissingError,
  RootKeyUnavailableError,
  StorageTamperedError,
  StorageUnavailableError,
  TenantNotFoundError,
  UnsupportedOnThisRuntimeError,
  type KmsError,
  type KmsErrorCode,
} from '../errors.ts'
import { QuotaExceededError } from '../internal/quota-exceeded.ts'
import type { RequestIssue } from '../internal/request-issue.ts'

/** What is left of an error that has travelled: what its `toJSON` gave. */
export interface ToldError {
  /** Which failure it is. */
  readonly code: KmsErrorCode
  /** For people. */
  readonly message: string
  /** Where the request was wrong, of `INVALID_REQUEST`. */
  readonly issues?: readonly RequestIssue[] | undefined
  /** Whether certainly nothing happened, of `AUDIT_UNAVAILABLE`. */
  readonly outcome?: 'none' | 'unknown' | undefined
  /** When there is room again, of `QUOTA_EXCEEDED`, as RFC 3339. */
  readonly retryAt?: string | undefined
  /** The id of the request, as it was known there. */
  readonly requestId?: string | undefined
}

const classes: Readonly<Record<KmsErrorCode, (told: ToldError) => KmsError>> = Object.freeze({
  INVALID_REQUEST: ({ message, issues }) => new InvalidRequestError(message, issues),
  INVALID_CIPHERTEXT: ({ message }) => new InvalidCiphertextError(message),
  ACCESS_DENIED: ({ message }) => new AccessDeniedError(message),
  KEY_NOT_FOUND: ({ message }) => new KeyNotFoundError(message),
  TENANT_NOT_FOUND: ({ message }) => new TenantNotFoundError(message),
  NAME_TAKEN: ({ message }) => new NameTakenError(message),
  INVALID_KEY_STATE: ({ message }) => new InvalidKeyStateError(message),
  INVALID_KEY_USAGE: ({ message }) => new InvalidKeyUsageError(message),
  CONFLICT: ({ message }) => new ConflictError(message),
  PRECONDITION_FAILED: ({ message }) => new PreconditionFailedError(message),
  LIMIT_EXCEEDED: ({ message }) => new LimitExceededError(message),
  QUOTA_EXCEEDED: ({ message, retryAt }) =>
    new QuotaExceededError(message, retryAt === undefined ? undefined : new Date(retryAt)),
  AUDIT_UNAVAILABLE: ({ message, outcome }) => new AuditUnavailableError(message, outcome ?? 'unknown'),
  AUDIT_OVERLOADED: ({ message }) => new AuditOverloadedError(message),
  STORAGE_UNAVAILABLE: ({ message }) => new StorageUnavailableError(message),
  STORAGE_TAMPERED: ({ message }) => new StorageTamperedError(message),
  ROLLBACK_DETECTED: ({ message }) => new RollbackDetectedError(message),
  ROOT_KEY_MISSING: ({ message }) => new RootKeyMissingError(message),
  ROOT_KEY_MISMATCH: ({ message }) => new RootKeyMismatchError(message),
  ROOT_KEY_UNAVAILABLE: ({ message }) => new RootKeyUnavailableError(message),
  UNSUPPORTED_ON_THIS_RUNTIME: ({ message }) => new UnsupportedOnThisRuntimeError(message),
  ABORTED: ({ message }) => new AbortedError(message),
  CLOSED: ({ message }) => new ClosedError(message),
})

/** The error that was thrown elsewhere, of its own class here. */
export function reviveError(told: ToldError): KmsError {
  const { code, requestId } = told
  return tagged(classes[code](told), { requestId }) as KmsError
}

/** The codes of all errors. */
export const errorCodes = Object.freeze(Object.keys(classes)) as readonly KmsErrorCode[]
