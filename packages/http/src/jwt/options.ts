import type { JSONWebKeySet, JWTPayload } from 'jose'
import { z } from 'zod'
import { invalidOptions, type Authenticated } from '../options.ts'

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

const names = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ') as JwtAlgorithm[]
const isFunction = (value: unknown): boolean => typeof value === 'function'

const schema = z.strictObject({
  keys: z.union([z.instanceof(URL), z.custom<JSONWebKeySet>((value) => typeof value === 'object' && value !== null)]),
  issuer: z.string().min(1),
  audience: z.string().min(1),
  algorithms: z.array(z.enum(names)).min(1),
  principal: z.custom<NonNullable<JwtOptions['principal']>>(isFunction).optional(),
  type: z.string().min(1).optional(),
  clockToleranceSeconds: z.number().min(0).max(300).default(5),
  maxAgeSeconds: z.number().min(0).optional(),
  now: z.custom<() => Date>(isFunction).optional(),
})

/** What the host said, as it was then: what it changes afterwards changes nothing. @throws InvalidRequestError */
export function readJwtOptions(options: JwtOptions): z.output<typeof schema> {
  const parsed = schema.safeParse(options)
  if (!parsed.success) throw invalidOptions(parsed.error.issues)
  return parsed.data
}
