import type { Kms } from '@chatelaine/core'
import { Hono, type Context } from 'hono'
import { cors } from 'hono/cors'
import { readHttpOptions, type CorsOptions, type HttpOptions } from './options.ts'
import { HttpError } from './problem.ts'
import { routes, tailPath } from './routes.ts'
import { answer } from './server/answer.ts'
import { openPages } from './server/open-pages.ts'
import { methodsAt, placeOf } from './server/place.ts'
import { serve, serveTailTo } from './server/serve.ts'
import { Service } from './server/service.ts'
import { requestHeader } from './server/streams.ts'

/** Answers requests: a fetch handler, as Hono, Next.js, Deno, Bun and `@chatelaine/http/node` mount them. */
export interface HttpHandler {
  (request: Request, env?: unknown): Promise<Response>
  /** Says `503` at `/v1/readyz` from now on, so that nobody sends new requests, and ends what only ends by itself. */
  drain(): void
}

/**
 * Makes of a KMS an HTTP API: every operation as a route under `/v1`, for whom `authenticate` says who asks.
 *
 * The KMS stays the host's: closing it is up to the host, after the last request.
 *
 * @throws InvalidRequestError for options that are not valid; a missing `authenticate` is one
 * @example
 * ```ts
 * import { createHttpHandler } from '@chatelaine/http'
 * import type { Kms } from '@chatelaine/core'
 *
 * const people = new Map([[process.env['BILLING_TOKEN'], 'billing']])
 * const handlerOf = (kms: Kms) =>
 *   createHttpHandler(kms, {
 *     authenticate: (request) => people.get(request.headers.get('authorization')?.replace('Bearer ', '')),
 *   })
 * ```
 */
export function createHttpHandler(kms: Kms, options: HttpOptions): HttpHandler {
  const settings = readHttpOptions(options)
  const service = new Service(kms, settings)
  const app = settings.basePath === '' ? new Hono() : new Hono().basePath(settings.basePath)
  if (settings.cors !== undefined) app.use(cors(corsOf(settings.cors)))
  const pages = openPages(service)
  for (const { path, page } of pages) app.get(path, (context) => answer(service, context, page))
  app.get(tailPath, (context) => answer(service, context, (id) => serveTailTo(service, context, id)))
  for (const route of routes) {
    const { pattern, members } = placeOf(route.path)
    app.on(route.method, pattern, (context) =>
      answer(service, context, (id) => serve(service, { context, route, members, id })),
    )
  }
  const allowed = methodsAt(settings.basePath, [...routes, ...pages, { path: tailPath, method: 'GET' }])
  // Of what is around the routes, such as CORS: hono itself would print it, and answer without the headers of safety.
  app.onError((error, context) => answer(service, context, () => Promise.reject(error)))
  app.notFound((context: Context) => answer(service, context, () => refuse(allowed(context.req.path))))
  const handle = async (request: Request, env?: unknown): Promise<Response> => app.fetch(request, (env ?? {}) as object)
  return Object.assign(handle, { drain: () => service.drain() })
}

/** Headers that a page may send: all that a route reads, but those that every page may send anyway. */
const askingHeaders = [
  'authorization',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'x-request-id',
  requestHeader,
] as const

/** What hono's middleware needs to know. */
function corsOf({ origins, maxAgeSeconds }: CorsOptions): Parameters<typeof cors>[0] {
  return {
    origin: [...origins],
    allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowHeaders: [...askingHeaders],
    exposeHeaders: ['x-request-id', 'retry-after', 'etag'],
    maxAge: maxAgeSeconds ?? 600,
  }
}

/** Refuses a path that nothing is at, or a method that is not one of its place. */
function refuse(methods: readonly string[]): never {
  if (methods.length === 0) throw new HttpError('NOT_FOUND', 'there is nothing here')
  throw new HttpError('METHOD_NOT_ALLOWED', 'not by this method', { allow: methods.join(', ') })
}
