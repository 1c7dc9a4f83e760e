import { InvalidRequestError, type Principal } from '@chatelaine/core'
import { z } from 'zod'

/** Who asks, or nobody. Whatever is not a principal is nobody. */
export type Authenticated = Principal | null | undefined | false

/**
 * Says who asks. Called once for each request, before its body is read. What it throws, or takes too long for, is
 * nobody: `401`.
 *
 * @param request - the request. Its body is the handler's: it is not read here.
 * @param env - what the server gives besides the request. Of `@chatelaine/http/node` and of Hono's adapter for Node it
 *   has `incoming`, whose socket knows the client's certificate.
 */
export type Authenticate = (request: Request, env: unknown) => Authenticated | PromiseLike<Authenticated>

/** Which pages of other origins may ask. */
export interface CorsOptions {
  /** Their origins, such as `https://console.example.com`. */
  readonly origins: readonly string[]
  /** How long a browser may remember that, in seconds. @defaultValue 600 */
  readonly maxAgeSeconds?: number | undefined
}

/** How a handler answers. */
export interface HttpOptions {
  /** Says who asks. There is no default: whoever forgets it opens nothing. */
  readonly authenticate: Authenticate
  /** Longest body that is not a stream, in bytes. @defaultValue 1,048,576: 1 MiB */
  readonly maxBodyBytes?: number | undefined
  /** How long `authenticate`, and then the body, may take, in milliseconds. @defaultValue 10,000 */
  readonly patienceMs?: number | undefined
  /** What comes before `/v1` in the paths that the handler sees, such as `/kms`. @defaultValue nothing */
  readonly basePath?: string | undefined
  /** Which pages of other origins may ask. @defaultValue none: CORS is off */
  readonly cors?: CorsOptions | undefined
  /** Told of what ends as `INTERNAL_ERROR`, whose answer says nothing, and of what `authenticate` threw. What it throws itself is passed over. @defaultValue nobody */
  readonly onError?: ((error: unknown, at: { readonly requestId: string }) => void) | undefined
}

/** Options, checked, with the defaults in their places. */
export interface Settings {
  readonly authenticate: Authenticate
  readonly maxBodyBytes: number
  readonly patienceMs: number
  readonly basePath: string
  readonly cors: CorsOptions | undefined
  readonly onError: (error: unknown, at: { readonly requestId: string }) => void
}

const isFunction = (value: unknown): boolean => typeof value === 'function'
const origin = z.string().regex(/^https?:\/\/[^/\s*]+$/, 'an origin is a scheme and a host, and never *')

const schema = z.strictObject({
  authenticate: z.custom<Authenticate>(isFunction, 'authenticate is missing: it says who asks'),
  maxBodyBytes: z.int().min(1024).max(134_217_728).default(1_048_576),
  patienceMs: z.int().min(1).max(600_000).default(10_000),
  basePath: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9_.-]+)+$/, 'a base path is such as /kms')
    .default(''),
  cors: z.strictObject({ origins: z.array(origin).min(1), maxAgeSeconds: z.int().min(0).default(600) }).optional(),
  onError: z.custom<Settings['onError']>(isFunction, 'it is not a function').default(() => () => undefined),
})

/** Checks options. @throws InvalidRequestError */
export function readHttpOptions(options: HttpOptions): Settings {
  const parsed = schema.safeParse(options)
  if (!parsed.success) throw invalidOptions(parsed.error.issues)
  const { cors, onError, ...others } = parsed.data
  return Object.freeze({ ...others, cors, onError: quietly(onError) })
}

/** What is told of errors must not make another one: answers and records do not depend on it. */
function quietly(tell: Settings['onError']): Settings['onError'] {
  return (error, at) => {
    try {
      tell(error, at)
    } catch {
      // There is nobody else to tell.
    }
  }
}

/** The error of options that a schema refuses: it names the first that is wrong. */
export function invalidOptions(
  found: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): InvalidRequestError {
  const issues = found.map(({ path, message }) => ({ path: path.map(String).join('.'), message }))
  const [first] = issues
  return new InvalidRequestError(`the options are not valid: ${first?.path ?? ''}: ${first?.message ?? ''}`, issues)
}
