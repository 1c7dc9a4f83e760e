import { RootKeyMismatchError, RootKeyUnavailableError, type KmsError } from '@chatelaine/core'

/** What a failure means. */
export interface Failure {
  /** What the caller gets. */
  readonly error: KmsError
  /** Whether the same call may succeed in a moment. */
  readonly isTransient: boolean
  /** Whether the service did not do its work, and may need to be left alone. */
  readonly isOutage: boolean
}

/** What somebody has to do about it, by the name that AWS gives it. Nothing is tried again before. */
const permanent: Readonly<Record<string, string>> = {
  AccessDeniedException: 'this identity may not use the root key: it needs kms:Encrypt and kms:Decrypt on it',
  DisabledException: 'the root key is disabled: enable it',
  KMSInvalidStateException: 'the state of the root key forbids its use: it is pending deletion, import, or unavailable',
  NotFoundException: 'the root key does not exist in this account and region',
  InvalidArnException: 'the root key is not in the region of this client',
  InvalidKeyUsageException: 'the root key is not for encryption',
  InvalidGrantTokenException: 'a grant token is not valid',
  ExpiredTokenException: 'the credentials have expired',
  ExpiredToken: 'the credentials have expired',
  CredentialsProviderError: 'there are no credentials',
  UnrecognizedClientException: 'the credentials are not known',
  InvalidClientTokenId: 'the credentials are not known',
  IncompleteSignatureException: 'the request was not signed',
  MissingAuthenticationTokenException: 'the request was not signed',
  ValidationException: 'the request was refused as invalid',
}

/** The clock of this machine may be wrong: the SDK learns from the refusal, and the next try is signed for the right time. */
const skew = new Set(['InvalidSignatureException', 'SignatureDoesNotMatch', 'RequestTimeTooSkewed', 'RequestExpired'])
const mismatch = new Set(['InvalidCiphertextException', 'IncorrectKeyException'])
const throttling = new Set(['ThrottlingException', 'Throttling', 'TooManyRequestsException', 'RequestLimitExceeded'])

/** What whatever the SDK threw means. */
export function readFailure(thrown: unknown): Failure {
  const name = nameOf(thrown)
  const cause = causeOf(thrown, name)
  if (mismatch.has(name)) {
    const error = new RootKeyMismatchError('the root key in AWS KMS did not wrap this, or not for this context', {
      cause,
    })
    return { error, isTransient: false, isOutage: false }
  }
  const advice = permanent[name]
  if (advice !== undefined) return { error: unavailable(advice, cause, false), isTransient: false, isOutage: false }
  if (skew.has(name)) {
    const error = unavailable('AWS KMS does not accept the signature: check credentials and clock', cause, false)
    return { error, isTransient: true, isOutage: false }
  }
  if (throttling.has(name)) {
    return { error: unavailable('AWS KMS throttles the calls', cause, true), isTransient: true, isOutage: true }
  }
  return { error: unavailable('AWS KMS did not answer', cause, true), isTransient: true, isOutage: true }
}

/** An answer that is none. */
export function unusable(why: string): Failure {
  return { error: unavailable(`AWS KMS answered ${why}`, undefined, false), isTransient: false, isOutage: false }
}

function unavailable(message: string, cause: Error | undefined, retryable: boolean): RootKeyUnavailableError {
  return new RootKeyUnavailableError(message, { retryable, ...(cause === undefined ? {} : { cause }) })
}

function nameOf(thrown: unknown): string {
  const name: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, 'name') : undefined
  return typeof name === 'string' ? name : 'Error'
}

/**
 * What is told of the cause: its name, the status, and the request's id, by which AWS finds it. Not its message, which
 * names accounts and identities, and not the response, which may hold anything.
 */
function causeOf(thrown: unknown, name: string): Error {
  const metadata: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, '$metadata') : undefined
  const of = (key: string): unknown =>
    typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, key) : undefined
  const [status, requestId] = [of('httpStatusCode'), of('requestId')]
  const parts = [
    /^\w{1,64}$/u.test(name) ? name : 'Error',
    ...(typeof status === 'number' ? [`status ${status}`] : []),
    ...(typeof requestId === 'string' && /^[\w-]{1,64}$/u.test(requestId) ? [`request ${requestId}`] : []),
  ]
  const cause = new Error(parts.join(', '))
  cause.name = 'AwsKmsFailure'
  delete (cause as { stack?: unknown }).stack
  return cause
}
