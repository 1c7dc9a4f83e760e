import { isKmsError, type KmsErrorCode } from '@chatelaine/core'

/** Codes of what goes wrong before the library is asked. */
export type HttpCode =
  | 'UNAUTHENTICATED'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'REQUEST_TIMEOUT'
  | 'INTERNAL_ERROR'

/** A code of an answer that is not a success. */
export type ProblemCode = KmsErrorCode | HttpCode

/** The status of each code. */
export const statuses: Readonly<Record<ProblemCode, number>> = Object.freeze({
  INVALID_REQUEST: 400,
  INVALID_CIPHERTEXT: 400,
  INVALID_KEY_USAGE: 400,
  UNAUTHENTICATED: 401,
  ACCESS_DENIED: 403,
  KEY_NOT_FOUND: 404,
  TENANT_NOT_FOUND: 404,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  NAME_TAKEN: 409,
  INVALID_KEY_STATE: 409,
  CONFLICT: 409,
  PRECONDITION_FAILED: 412,
  LIMIT_EXCEEDED: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  QUOTA_EXCEEDED: 429,
  INTERNAL_ERROR: 500,
  UNSUPPORTED_ON_THIS_RUNTIME: 501,
  AUDIT_UNAVAILABLE: 503,
  AUDIT_OVERLOADED: 503,
  STORAGE_UNAVAILABLE: 503,
  STORAGE_TAMPERED: 503,
  ROLLBACK_DETECTED: 503,
  ROOT_KEY_MISSING: 503,
  ROOT_KEY_MISMATCH: 503,
  ROOT_KEY_UNAVAILABLE: 503,
  ABORTED: 503,
  CLOSED: 503,
})

/** Codes that any route may answer with. */
export const commonCodes: readonly ProblemCode[] = [
  'INVALID_REQUEST',
  'UNAUTHENTICATED',
  'ACCESS_DENIED',
  'REQUEST_TIMEOUT',
  'LIMIT_EXCEEDED',
  'UNSUPPORTED_MEDIA_TYPE',
  'QUOTA_EXCEEDED',
  'AUDIT_UNAVAILABLE',
  'AUDIT_OVERLOADED',
  'STORAGE_UNAVAILABLE',
  'STORAGE_TAMPERED',
  'ROLLBACK_DETECTED',
  'ROOT_KEY_UNAVAILABLE',
  'ABORTED',
  'CLOSED',
  'INTERNAL_ERROR',
]

const titles: Readonly<Record<number, string>> = Object.freeze({
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
})

/** A failure of HTTP, before the library is asked. */
export class HttpError extends Error {
  /** Which failure it is. */
  readonly code: HttpCode
  /** What the answer says besides. */
  readonly headers: Readonly<Record<string, string>>

  constructor(code: HttpCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.code = code
    this.headers = headers
  }
}

/** An answer that is not a success, as RFC 9457 writes it. */
export interface Problem {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

/** The answer to a request that failed: what the library says of it, and nothing that the library withheld. */
export function problemOf(error: unknown, requestId: string): Problem {
  if (error instanceof HttpError) return made(error.code, { message: error.message, requestId }, error.headers)
  if (!isKmsError(error)) return made('INTERNAL_ERROR', { message: 'something went wrong', requestId }, {})
  const { name: _, code, ...told } = error.toJSON()
  const retry = error.retryable ? { 'retry-after': String(secondsUntil(told['retryAt'])) } : {}
  return made(code as KmsErrorCode, { ...told, requestId }, retry)
}

/** In how many seconds to come again: one, where nobody knows better. */
function secondsUntil(time: unknown): number {
  const ms = typeof time === 'string' ? Date.parse(time) - Date.now() : 0
  return Math.max(1, Math.ceil(ms / 1000))
}

function made(code: ProblemCode, told: Record<string, unknown>, headers: Readonly<Record<string, string>>): Problem {
  const { message, ...more } = told
  // One that a later version of the library has is nothing that a client could have known.
  const status = statuses[code] ?? statuses.INTERNAL_ERROR
  const body = { type: 'about:blank', title: titles[status], status, detail: message, code, ...more }
  return { status, body, headers }
}
