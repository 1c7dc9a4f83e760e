import { InvalidRequestError, keyTag, type KeyDescription } from '@chatelaine/core'
import { dispatch } from '@chatelaine/core/remote'
import type { Context } from 'hono'
import type { Route } from '../routes.ts'
import { resultToJson, wipeBytes } from '../wire/result-codec.ts'
import { mediaTypeOf } from '../results.ts'
import { etagOf, ifMatchOf, isNamed, requireReading } from './etag.ts'
import { jsonAnswer, plainAnswer } from './answers.ts'
import { readAsked, requireNoQuery } from './asked.ts'
import { mediaType, requireNoBody } from './body.ts'
import { serveTail } from './events.ts'
import type { Place } from './place.ts'
import type { Service } from './service.ts'
import { serveStream, streamOf } from './streams.ts'

/** A request to a route. */
export interface Visit {
  readonly context: Context
  readonly route: Route
  readonly members: Place['members']
  /** Of the request. */
  readonly id: string
}

/** Serves one request of one route: who asks, what for, done and recorded, answered. */
export async function serve(service: Service, visit: Visit): Promise<Response> {
  const { context, route, id } = visit
  const request = context.req.raw
  const client = await service.admission.admit(request, context.env, id)
  await service.admitted()
  requireReading(request)
  const type = mediaType(request)
  const stream = streamOf(route.operation, type)
  if (stream !== undefined) {
    requireNoQuery(request)
    requireNoCondition(request)
    return serveStream(stream, { client, request, env: context.env, id, patience: service.patience })
  }
  const asked = await readAsked(service, { request, route, type, path: pathOf(visit) })
  try {
    await service.asked()
    // Not the signal of the connection: whoever leaves early leaves a request that is done, and recorded, once.
    const options = { requestId: id, ...idempotencyOf(request), ...ifMatchOf(request) }
    const result: unknown = await dispatch(client, route.operation, { request: asked, options })
    if (typeof result === 'string') return textAnswer(result, route, id)
    const text = resultToJson(result)
    const headers = route.result === 'key' ? { etag: etagOf(keyTag(result as KeyDescription)) } : undefined
    wipeBytes(result)
    const isKnown = route.method === 'GET' && headers !== undefined && isNamed(request, headers.etag)
    if (isKnown) return plainAnswer(null, { status: 304, requestId: id, headers })
    return jsonAnswer(text, { status: route.status, requestId: id, headers })
  } finally {
    wipeBytes(asked)
  }
}

function textAnswer(text: string, { result, status }: Route, requestId: string): Response {
  return plainAnswer(text, { status, requestId, headers: { 'content-type': mediaTypeOf(result) } })
}

/** Serves a request to follow the log. */
export async function serveTailTo(service: Service, context: Context, id: string): Promise<Response> {
  const request = context.req.raw
  const client = await service.admission.admit(request, context.env, id)
  requireNoBody(request)
  requireNoCondition(request)
  const answer = await serveTail({ client, request, id, draining: service.draining })
  if (request.method !== 'HEAD') return answer
  // Nobody will read it, and nobody else ends it.
  await answer.body?.cancel()
  return new Response(null, answer)
}

/** A stream is no change, nor is a tail. @throws InvalidRequestError */
function requireNoCondition(request: Request): void {
  if (Object.keys({ ...idempotencyOf(request), ...ifMatchOf(request) }).length > 0)
    throw new InvalidRequestError('a stream is no change: it takes neither Idempotency-Key nor If-Match')
}

/** The name under which a change is asked for. Two headers of that kind are one with a comma and a space, which no name has. */
function idempotencyOf(request: Request): { idempotencyKey?: string } {
  const given = request.headers.get('idempotency-key')
  return given === null ? {} : { idempotencyKey: given }
}

function pathOf({ context, members }: Visit): Record<string, string> {
  const path: Record<string, string> = {}
  for (const [parameter, member] of members) {
    const value = context.req.param(parameter)
    if (value === undefined) throw new InvalidRequestError('a part of the path is missing')
    path[member] = value
  }
  return path
}
