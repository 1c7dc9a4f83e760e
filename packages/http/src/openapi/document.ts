import { requestSchema, takesIdempotencyKey, takesIfMatch, type JsonSchema } from '@chatelaine/core/remote'
import { commonCodes, type ProblemCode } from '../problem.ts'
import { mediaTypeOf, resultSchema } from '../results.ts'
import { pathMembers, routes, type Route } from '../routes.ts'
import { bytesType, streamOf } from '../server/streams.ts'
import { framesType } from '../wire/frames.ts'
import { besidePaths, requestIdParameter } from './beside.ts'
import { problems, problemSchema } from './problems.ts'

/** An OpenAPI document, as plain data. */
export type OpenApiDocument = Readonly<Record<string, unknown>>

/** The OpenAPI 3.1 document of all routes: requests by the schemas that check them. */
export function openApiDocument(basePath: string): OpenApiDocument {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: { title: 'Chatelaine', version: '1', description: 'A key management service. Bytes are base64 in JSON.' },
    servers: [{ url: basePath === '' ? '/' : basePath }],
    security: [{ bearer: [] }],
    paths: sorted({ ...paths, ...besidePaths() }),
    components: {
      schemas: { Problem: problemSchema, ...resultSchemas() },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'Or whatever the host asks for.' } },
    },
  }
}

function sorted<T>(paths: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function resultSchemas(): Record<string, JsonSchema> {
  const names = [...new Set(routes.map(({ result }) => result))].toSorted()
  return Object.fromEntries(names.map((name) => [name, resultSchema(name)]))
}

function operationOf(route: Route): Record<string, unknown> {
  const { operation, path, status } = route
  const { properties = {}, ...schema } = requestSchema(operation) as { properties?: Record<string, JsonSchema> }
  const inPath = pathMembers(path)
  const others = Object.entries(properties).filter(([name]) => !inPath.includes(name))
  const required = ((schema as { required?: string[] }).required ?? []).filter((name) => !inPath.includes(name))
  const isQuery = route.method === 'GET' || route.method === 'DELETE'
  // What is no single value has no place in a query.
  const flat = others.filter(([, { type }]) => type !== 'object')
  const inQuery = isQuery ? flat.map(([name, one]) => parameter(name, { in: 'query', schema: one })) : []
  const body = { ...schema, properties: Object.fromEntries(others), required }
  const stream = streamOf(operation, bytesType)
  const content = { 'application/json': { schema: body }, ...(stream === undefined ? {} : { [bytesType]: {} }) }
  const named = inPath.map((name) => parameter(name, { in: 'path', schema: properties[name] ?? {}, required: true }))
  return {
    operationId: operation,
    tags: [tagOf(path)],
    parameters: [...named, ...inQuery, ...headersOf(route)],
    ...(isQuery ? {} : { requestBody: { required: required.length > 0, content } }),
    responses: { [status]: success(route), ...unchanged(route), ...problems(codesOf(route)) },
  }
}

function tagOf(path: string): string {
  return path.split('/')[2] ?? ''
}

function parameter(name: string, more: Record<string, unknown>): Record<string, unknown> {
  return { name, ...more }
}

const etag = { type: 'string', pattern: '^"[A-Za-z0-9_-]{22}"$' }

/** Codes of a route: its own, and those of what its requests may ask besides. */
function codesOf({ codes, operation }: Route): readonly ProblemCode[] {
  const ofName: readonly ProblemCode[] = takesIdempotencyKey(operation) ? ['CONFLICT'] : []
  const ofTag: readonly ProblemCode[] = takesIfMatch(operation) ? ['PRECONDITION_FAILED'] : []
  return [...commonCodes, ...codes, ...ofName, ...ofTag]
}

function headersOf(route: Route): Record<string, unknown>[] {
  const { operation } = route
  const name = { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' }
  const once = parameter('Idempotency-Key', {
    in: 'header',
    schema: name,
    description: 'Asked again, it is not done again.',
  })
  const unchanged = parameter('If-Match', {
    in: 'header',
    schema: etag,
    description: 'Done only while the key has this ETag.',
  })
  return [
    requestIdParameter,
    ...(takesIdempotencyKey(operation) ? [once] : []),
    ...(takesIfMatch(operation) ? [unchanged] : []),
    ...(mayBeKnown(route) ? [parameter('If-None-Match', { in: 'header', schema: { type: 'string' } })] : []),
    ...besideBytes(operation),
  ]
}

/** What a request says beside a body of bytes. */
function besideBytes(operation: string): Record<string, unknown>[] {
  const stream = streamOf(operation, bytesType)
  if (stream === undefined) return []
  const schema = {
    type: 'string',
    contentEncoding: 'base64url',
    contentMediaType: 'application/json',
    contentSchema: requestSchema(stream),
  }
  const description = `What the request says beside a body that is ${bytesType}.`
  return [parameter('Chatelaine-Request', { in: 'header', schema, description })]
}

function success({ operation, result }: Route): Record<string, unknown> {
  const schema = { $ref: `#/components/schemas/${result}` }
  const headers = result === 'key' ? { headers: { ETag: { schema: etag } } } : {}
  const asBytes = streamOf(operation, bytesType) === undefined ? {} : { [bytesType]: {}, [framesType]: {} }
  return {
    description: 'Done, and recorded.',
    ...headers,
    content: { [mediaTypeOf(result)]: { schema }, ...asBytes },
  }
}

/** Whether a route gives what its caller may know already, by its ETag. */
function mayBeKnown({ method, result }: Route): boolean {
  return method === 'GET' && result === 'key'
}

function unchanged(route: Route): Record<string, unknown> {
  return mayBeKnown(route) ? { 304: { description: 'It has not changed.' } } : {}
}
