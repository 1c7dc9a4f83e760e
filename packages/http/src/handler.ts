import { isKmsError, type Kms } from '@chatelaine/core'
import { dispatch } from '@chatelaine/core/remote'
import { Hono, type Context } from 'hono'
import { cors } from 'hono/cors'
import { readHttpOptions, type CorsOptions, type HttpOptions, type Settings } from './options.ts'
import { HttpError, problemOf } from './problem.ts'
import { routes, type Route } from './routes.ts'
import { Admission } from './server/admission.ts'
import { jsonAnswer, problemAnswer } from './server/answers.ts'
import { readAsked } from './server/asked.ts'
import { requestIdOf } from './server/request-id.ts'
import { resultToJson, wipeBytes } from './wire/result-codec.ts'

/** Answers requests: a fetch handler, as Hono, Next.js, Deno, Bun and `@chatelaine/http/node` mount them. */
export type HttpHandler = (request: Request, env?: unknown) => Promise<Response>

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
  const service: Service = { settings, admission: new Admission(kms, settings) }
  const app = new Hono().basePath(settings.basePath)
  if (settings.cors !== undefined) app.use(cors(corsOf(settings.cors)))
  for (const route of routes) {
    const path = honoPath(route.path)
    app.on(route.method, path, async (context) =>
      answered(service, context, async (id) => serve(service, { context, route, id })),
    )
  }
  for (const [path, methods] of methodsByPath())
    app.all(path, async (context) => answered(service, context, () => refuseMethod(methods)))
  app.notFound(async (context) => answered(service, context, () => refusePath()))
  app.onError((error, context) =>
    problemAnswer(problemOf(error, requestIdOf(context.req.raw)), requestIdOf(context.req.raw)),
  )
  return async (request, env) => app.fetch(request, (env ?? {}) as object)
}

/** What hono's middleware needs to know. */
function corsOf({ origins, maxAgeSeconds }: CorsOptions): Parameters<typeof cors>[0] {
  return {
    origin: [...origins],
    allowMethods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowHeaders: ['authorization', 'content-type', 'x-request-id'],
    exposeHeaders: ['x-request-id', 'retry-after'],
    maxAge: maxAgeSeconds ?? 600,
  }
}

interface Service {
  readonly settings: Settings
  readonly admission: Admission
}

interface Asked {
  readonly context: Context
  readonly route: Route
  readonly id: string
}

/** Serves one request of one route: who asks, what for, done and recorded, answered. */
async function serve({ settings, admission }: Service, { context, route, id }: Asked): Promise<Response> {
  const request = context.req.raw
  const client = await admission.admit(request, context.env, id)
  const asked = await readAsked(request, context.req.param(), { route, settings })
  try {
    // Not the signal of the connection: whoever leaves early leaves a request that is done, and recorded, once.
    const result = await dispatch(client, route.operation, { request: asked, options: { requestId: id } })
    const text = resultToJson(result)
    wipeBytes(result)
    return jsonAnswer(text, { status: route.status, requestId: id })
  } finally {
    wipeBytes(asked)
  }
}

/** Whatever goes wrong is an answer too. */
async function answered(
  { settings }: Service,
  context: Context,
  work: (requestId: string) => Promise<Response> | Response,
): Promise<Response> {
  const requestId = requestIdOf(context.req.raw)
  try {
    return await work(requestId)
  } catch (error) {
    if (!(error instanceof HttpError) && !isKmsError(error)) settings.onError(error, { requestId })
    return problemAnswer(problemOf(error, requestId), requestId)
  }
}

function refusePath(): never {
  throw new HttpError('NOT_FOUND', 'there is nothing here')
}

function refuseMethod(methods: readonly string[]): never {
  throw new HttpError('METHOD_NOT_ALLOWED', 'not by this method', { allow: methods.join(', ') })
}

function methodsByPath(): Map<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const { path, method } of routes) {
    // Parameters of one place have one name per method: the path is the same.
    const shape = honoPath(path).replaceAll(/:\w+/g, ':_')
    found.set(shape, [...(found.get(shape) ?? []), method])
  }
  return found
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
