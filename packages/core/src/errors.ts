import type { RequestIssue } from './internal/request-issue.ts'

const brand: unique symbol = Symbol.for('chatelaine.KmsError') as never

/** The stable codes of errors. New ones are added sparingly; none changes its meaning. */
export type KmsErrorCode =
  | 'INVALID_REQUEST'
  | 'INVALID_CIPHERTEXT'
  | 'ACCESS_DENIED'
  | 'KEY_NOT_FOUND'
  | 'TENANT_NOT_FOUND'
  | 'NAME_TAKEN'
  | 'INVALID_KEY_STATE'
  | 'INVALID_KEY_USAGE'
  | 'CONFLICT'
  | 'PRECONDITION_FAILED'
  | 'LIMIT_EXCEEDED'
  | 'QUOTA_EXCEEDED'
  | 'AUDIT_UNAVAILABLE'
  | 'AUDIT_OVERLOADED'
  | 'STORAGE_UNAVAILABLE'
  | 'STORAGE_TAMPERED'
  | 'ROLLBACK_DETECTED'
  | 'ROOT_KEY_MISSING'
  | 'ROOT_KEY_MISMATCH'
  | 'ROOT_KEY_UNAVAILABLE'
  | 'UNSUPPORTED_ON_THIS_RUNTIME'
  | 'ABORTED'
  | 'CLOSED'

/** What may be attached to an error. */
export interface KmsErrorOptions {
  /** What led to it. Shown to whoever operates the library; never carries secrets of ours. */
  readonly cause?: unknown
}

/**
 * Whatever this library throws on purpose. Safe to show and to serialize: neither message nor fields carry key
 * material, plaintext, or more than the caller may know.
 */
export abstract class KmsError extends Error {
  /** Marks the class across copies of the package. */
  readonly [brand] = true
  /** Which failure it is. Decide by this, never by the message. */
  abstract readonly code: KmsErrorCode
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean = false
  /** The request's id, where one was given. */
  readonly requestId: string | undefined = undefined

  constructor(message: string, options: KmsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
  }

  /** The error as plain data, without stack and cause. */
  toJSON(): Record<string, unknown> {
    return {
      name: this.name,
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      requestId: this.requestId,
    }
  }
}

/** The request does not have the shape that the operation takes. Mend the call; `issues` names the places. */
export class InvalidRequestError extends KmsError {
  override readonly code = 'INVALID_REQUEST'
  /** Where the request is wrong, and how. */
  readonly issues: readonly RequestIssue[]

  constructor(message: string, issues: readonly RequestIssue[] = [], options: KmsErrorOptions = {}) {
    super(message, options)
    this.issues = issues
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), issues: this.issues }
  }
}

/**
 * The ciphertext does not open with this key and encryption context. Pass exactly what `encrypt` returned, and the
 * same context.
 */
export class InvalidCiphertextError extends KmsError {
  override readonly code = 'INVALID_CIPHERTEXT'
}

/** The principal may not do this, or the key does not exist for it. Ask an admin for a grant. */
export class AccessDeniedError extends KmsError {
  override readonly code = 'ACCESS_DENIED'
}

/** No key has this id or name. Only callers that may see every key are told. */
export class KeyNotFoundError extends KmsError {
  override readonly code = 'KEY_NOT_FOUND'
}

/** No tenant has this id. Make it with `tenants.ensure(id)`. */
export class TenantNotFoundError extends KmsError {
  override readonly code = 'TENANT_NOT_FOUND'
}

/** Another key or grant has this name. Choose another, or use `ensure`. */
export class NameTakenError extends KmsError {
  override readonly code = 'NAME_TAKEN'
}

/**
 * The state of the key, or of the version that this ciphertext needs, forbids the operation. Enable the key, or
 * use another.
 */
export class InvalidKeyStateError extends KmsError {
  override readonly code = 'INVALID_KEY_STATE'
}

/** The key is for something else: its usage, origin or exportability, fixed at creation, does not allow the operation. */
export class InvalidKeyUsageError extends KmsError {
  override readonly code = 'INVALID_KEY_USAGE'
}

/** What is stored differs from what the call takes for granted. Read again, then decide. */
export class ConflictError extends KmsError {
  override readonly code = 'CONFLICT'
}

/** The key is no longer what the call's `ifMatch` says; nothing was done. Read again, then decide. */
export class PreconditionFailedError extends KmsError {
  override readonly code = 'PRECONDITION_FAILED'
}

/** A documented size or count is exceeded; nothing was done. Split the work. */
export class LimitExceededError extends KmsError {
  override readonly code = 'LIMIT_EXCEEDED'
}

/**
 * The audit record could not be made durable in time, so there is no result. With `outcome` `none` nothing
 * happened and the call may be repeated; with `unknown` a change may have been applied: read before repeating.
 */
export class AuditUnavailableError extends KmsError {
  override readonly code = 'AUDIT_UNAVAILABLE'
  override readonly retryable: boolean = true
  /** Whether certainly nothing happened, or nobody knows. */
  readonly outcome: 'none' | 'unknown'

  constructor(message: string, outcome: 'none' | 'unknown', options: KmsErrorOptions = {}) {
    super(message, options)
    this.outcome = outcome
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), outcome: this.outcome }
  }
}

/** Too many operations wait for their audit records. Slow down and try again. */
export class AuditOverloadedError extends KmsError {
  override readonly code = 'AUDIT_OVERLOADED'
  override readonly retryable: boolean = true
}

/** The storage cannot be read. Look at its state; `cause` says what the adapter said. */
export class StorageUnavailableError extends KmsError {
  override readonly code = 'STORAGE_UNAVAILABLE'
  override readonly retryable: boolean = true
}

/** What is stored does not verify. Stop, keep a copy, and look at it with `inspectKms`. */
export class StorageTamperedError extends KmsError {
  override readonly code = 'STORAGE_TAMPERED'
}

/** The storage shows an older state than one that was seen before. Stop, and find out who restored it. */
export class RollbackDetectedError extends KmsError {
  override readonly code = 'ROLLBACK_DETECTED'
}

/** No root key was given. The message says how to make one. */
export class RootKeyMissingError extends KmsError {
  override readonly code = 'ROOT_KEY_MISSING'
}

/**
 * The root key is not the one that this storage was made with. Nothing was written. Configure the right one, or
 * pass it in `previousRootKeys`.
 */
export class RootKeyMismatchError extends KmsError {
  override readonly code = 'ROOT_KEY_MISMATCH'
}

/** The root key provider did not answer: try again when it does. Not `retryable` where somebody has to act first. */
export class RootKeyUnavailableError extends KmsError {
  override readonly code = 'ROOT_KEY_UNAVAILABLE'
  override readonly retryable: boolean

  constructor(message: string, options: KmsErrorOptions & { readonly retryable?: boolean } = {}) {
    super(message, options)
    this.retryable = options.retryable ?? true
  }
}

/** This Node.js cannot do it. The message names the version that can. */
export class UnsupportedOnThisRuntimeError extends KmsError {
  override readonly code = 'UNSUPPORTED_ON_THIS_RUNTIME'
}

/**
 * The caller's signal aborted the operation; its reason is the `cause`. A change that was being committed may have
 * been applied.
 */
export class AbortedError extends KmsError {
  override readonly code = 'ABORTED'
  /** As the platform calls it. */
  override readonly name = 'AbortError'
}

/** The KMS was closed, or is closing. */
export class ClosedError extends KmsError {
  override readonly code = 'CLOSED'
}

/**
 * Whether a value is an error of this library, in whatever copy of the package it was made.
 *
 * @param code - only errors with this code.
 * @example
 * ```ts
 * import { isKmsError } from '@chatelaine/core'
 *
 * const describe = (error: unknown): string => (isKmsError(error, 'ACCESS_DENIED') ? 'ask an admin' : 'look closer')
 * ```
 */
export function isKmsError(error: unknown, code?: KmsErrorCode): error is KmsError {
  if (typeof error !== 'object' || error === null || Reflect.get(error, brand) !== true) return false
  return code === undefined || Reflect.get(error, 'code') === code
}
