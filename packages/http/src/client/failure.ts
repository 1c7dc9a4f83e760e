import { AbortedError, AuditUnavailableError, type KmsError, type KmsErrorCode } from '@chatelaine/core'
import { errorCodes, reviveError, type ToldError } from '@chatelaine/core/remote'
import type { HttpCode } from '../problem.ts'

const known: ReadonlySet<string> = new Set(errorCodes)

/** What a code of HTTP means to a caller of the library. */
const meanings: Readonly<Record<HttpCode, KmsErrorCode>> = Object.freeze({
  UNAUTHENTICATED: 'ACCESS_DENIED',
  NOT_FOUND: 'INVALID_REQUEST',
  METHOD_NOT_ALLOWED: 'INVALID_REQUEST',
  UNSUPPORTED_MEDIA_TYPE: 'INVALID_REQUEST',
  REQUEST_TIMEOUT: 'AUDIT_UNAVAILABLE',
  INTERNAL_ERROR: 'AUDIT_UNAVAILABLE',
})

/** The error that an answer stands for. */
export function errorOfProblem(body: unknown, status: number): KmsError {
  const { code, detail, ...more } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const message = typeof detail === 'string' ? detail : `the server answered ${status}`
  const meant = known.has(String(code)) ? (code as KmsErrorCode) : meanings[code as HttpCode]
  if (meant === undefined) return new AuditUnavailableError(message, 'unknown')
  return reviveError({ ...(more as Partial<ToldError>), code: meant, message })
}

/** Failures of a connection in which nothing was sent. */
const unsent: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])

/** The error of a request that got no answer. Whether it was carried out, nobody knows. */
export function errorOfConnection(error: unknown, signal: AbortSignal | undefined): KmsError {
  if (signal?.aborted === true) return new AbortedError('the operation was aborted', { cause: signal.reason })
  const cause: unknown = error instanceof Error ? error.cause : undefined
  const code: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined
  const outcome = unsent.has(code) ? 'none' : 'unknown'
  return new AuditUnavailableError('the server gave no answer', outcome, { cause: error })
}
