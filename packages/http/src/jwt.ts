/**
 * Authentication by JSON Web Tokens (RFC 7519), by jose.
 *
 * @packageDocumentation
 */

import { InvalidRequestError } from '@chatelaine/core'
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose'
import type { Authenticate, Authenticated } from './options.ts'
import { parseStrictJson } from './strict-json.ts'

/** Signature algorithms that may be allowed. Those with a shared secret, and `none`, are not among them. */
export type JwtAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'

/** How tokens are verified. */
export interface JwtOptions {
  /** The issuer's keys: where its JWKS is, or the JWKS itself. Nothing in a token leads anywhere else. */
  readonly keys: URL | JSONWebKeySet
  /** Who must have issued it: `iss`. */
  readonly issuer: string
  /** For whom it must be: `aud`. */
  readonly audience: string
  /** By which algorithms it may be signed. */
  readonly algorithms: readonly JwtAlgorithm[]
  /** Who a token stands for. @defaultValue the service that `sub` names */
  readonly principal?: ((claims: JWTPayload) => Authenticated) | undefined
  /** What `typ` must say, such as `at+jwt` of an access token (RFC 9068). @defaultValue anything */
  readonly type?: string | undefined
  /** How far clocks may differ, in seconds, 0 to 300. @defaultValue 5 */
  readonly clockToleranceSeconds?: number | undefined
  /** How old a token may be, in seconds: needs `iat`. @defaultValue until it expires */
  readonly maxAgeSeconds?: number | undefined
  /** The time. For tests. @defaultValue the system's */
  readonly now?: (() => Date) | undefined
}

/** A token has at most so many characters. */
const maxLength = 8192
const allowed: ReadonlySet<string> = new Set(
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '),
)

/**
 * Knows people by the bearer token in `Authorization`: signed by the issuer, for this audience, not expired. `exp` and
 * `sub`, a text, must be there. Encrypted tokens, unsigned ones and those that any other algorithm signed are nobody's; what a
 * header says of where keys are (`jku`, `jwk`, `x5u`) is not looked at.
 *
 * @throws InvalidRequestError for options that are not valid
 * @example
 * ```ts
 * import { jwtAuthentication } from '@chatelaine/http/jwt'
 *
 * const authenticate = jwtAuthentication({
 *   keys: new URL('https://login.example.com/.well-known/jwks.json'),
 *   issuer: 'https://login.example.com/',
 *   audience: 'kms',
 *   algorithms: ['ES256'],
 *   principal: ({ sub, role }) => (role === 'kms-admin' ? { id: String(sub), role: 'admin' } : sub),
 * })
 * ```
 */
export function jwtAuthentication(options: JwtOptions): Authenticate {
  const { keys, issuer, audience, algorithms, type, principal = ({ sub }) => sub } = requireValid(options)
  const keySet = keys instanceof URL ? createRemoteJWKSet(keys, { timeoutDuration: 5000 }) : createLocalJWKSet(keys)
  return async (request) => {
    const token = tokenOf(request)
    if (token === undefined) return undefined
    requireUnambiguous(token)
    const { payload } = await jwtVerify(token, keySet, {
      issuer,
      audience,
      algorithms: [...algorithms],
      requiredClaims: ['exp', 'sub'],
      clockTolerance: options.clockToleranceSeconds ?? 5,
      ...(type === undefined ? {} : { typ: type }),
      ...(options.maxAgeSeconds === undefined ? {} : { maxTokenAge: options.maxAgeSeconds }),
      ...(options.now === undefined ? {} : { currentDate: options.now() }),
    })
    // It may be anything that JSON has: an object would pass for a principal with the role that it names.
    return typeof payload.sub === 'string' ? principal(payload) : undefined
  }
}

function tokenOf(request: Request): string | undefined {
  const [scheme, token, ...others] = (request.headers.get('authorization') ?? '').split(' ')
  const isBearer = scheme?.toLowerCase() === 'bearer' && others.length === 0
  return isBearer && token !== undefined && token.length <= maxLength ? token : undefined
}

/** Header and claims say each thing once: two readers could take different ones. @throws InvalidRequestError */
function requireUnambiguous(token: string): void {
  for (const part of token.split('.').slice(0, 2)) parseStrictJson(Buffer.from(part, 'base64url'))
}

function requireValid(options: JwtOptions): JwtOptions {
  const { keys, issuer, audience, algorithms, clockToleranceSeconds: tolerance = 0 } = options
  const isNamed = [issuer, audience].every((text) => typeof text === 'string' && text !== '')
  if (!isNamed || !areUsable(algorithms) || typeof keys !== 'object' || !(tolerance >= 0 && tolerance <= 300)) {
    throw new InvalidRequestError('jwtAuthentication takes keys, issuer, audience, and algorithms of public keys')
  }
  if (keys instanceof URL && keys.protocol !== 'https:' && !isLocal(keys)) {
    throw new InvalidRequestError('the keys of an issuer come over https')
  }
  return options
}

function areUsable(algorithms: readonly string[]): boolean {
  return Array.isArray(algorithms) && algorithms.length > 0 && algorithms.every((name) => allowed.has(name))
}

function isLocal({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}
