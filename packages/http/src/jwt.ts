/**
 * Authentication by JSON Web Tokens (RFC 7519), by jose.
 *
 * @packageDocumentation
 */

import { InvalidRequestError } from '@chatelaine/core'
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from 'jose'
import type { JSONWebKeySet, JWTVerifyGetKey, JWTVerifyOptions } from 'jose'
import { readJwtOptions, type JwtOptions } from './jwt/options.ts'
import type { Authenticate } from './options.ts'
import { parseStrictJson } from './strict-json.ts'

export type { JwtAlgorithm, JwtOptions } from './jwt/options.ts'

/** A token has at most so many characters. */
const maxLength = 8192

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
  const { keys, now, principal = ({ sub }) => sub, ...more } = readJwtOptions(options)
  const keySet = keySetOf(keys)
  const asked: JWTVerifyOptions = {
    issuer: more.issuer,
    audience: more.audience,
    algorithms: more.algorithms,
    requiredClaims: ['exp', 'sub'],
    clockTolerance: more.clockToleranceSeconds,
    ...(more.type === undefined ? {} : { typ: more.type }),
    ...(more.maxAgeSeconds === undefined ? {} : { maxTokenAge: more.maxAgeSeconds }),
  }
  return async (request) => {
    const token = tokenOf(request)
    if (token === undefined) return undefined
    requireUnambiguous(token)
    const { payload } = await jwtVerify(token, keySet, now === undefined ? asked : { ...asked, currentDate: now() })
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

function keySetOf(keys: URL | JSONWebKeySet): JWTVerifyGetKey {
  if (keys instanceof URL) {
    if (keys.protocol !== 'https:' && !isLocal(keys)) {
      throw new InvalidRequestError('the keys of an issuer come over https')
    }
    return createRemoteJWKSet(keys, { timeoutDuration: 5000 })
  }
  try {
    return createLocalJWKSet(keys)
  } catch (error) {
    throw new InvalidRequestError('the keys are no JSON Web Key Set', [], { cause: error })
  }
}

function isLocal({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}
