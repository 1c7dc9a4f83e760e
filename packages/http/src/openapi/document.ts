import { requestSchema, takesIdempotencyKey, takesIfMatch, type JsonSchema } from '@chatelaine/core/remote'
import { commonCodes, statuses, type ProblemCode } from '../problem.ts'
import { mediaTypeOf, resultSchema, type ResultName } from '../results.ts'
import { pathMembers, routes, type Route } from '../routes.ts'

/** An OpenAPI document, as plain data. */
export type OpenApiDocument = Readonly<Record<string, unknown>>

/** What routes have that have no operation behind them. */
const problemSchema = {
  type: 'object',
  description: 'RFC 9457. Decide by `code`.',
  properties: {
    type: { const: 'about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { enum: Object.keys(statuses) },
    retryable: { type: 'boolean' },
    requestId: { type: 'string' },
    outcome: { enum: ['none', 'unknown'] },
    retryAt: { type: 'string', format: 'date-time' },
    issues: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path: { type: 'string' }, message: { type: 'string' } },
        required: ['path', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
}

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
    paths: sorted(paths),
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
  const { operation, path, result, status } = route
  const { properties = {}, ...schema } = requestSchema(operation) as { properties?: Record<string, JsonSchema> }
  const inPath = pathMembers(path)
  const others = Object.entries(properties).filter(([name]) => !inPath.includes(name))
  const required = ((schema as { required?: string[] }).required ?? []).filter((name) => !inPath.includes(name))
  const isQuery = route.method === 'GET' || route.method === 'DELETE'
  // What is no single value has no place in a query.
  const flat = others.filter(([, { type }]) => type !== 'object')
  const inQuery = isQuery ? flat.map(([name, one]) => parameter(name, { in: 'query', schema: one })) : []
  const body = { ...schema, properties: Object.fromEntries(others), required }
  const content = { 'application/json': { schema: body } }
  const named = inPath.map((name) => parameter(name, { in: 'path', schema: properties[name] ?? {}, required: true }))
  return {
    operationId: operation,
    tags: [tagOf(path)],
    parameters: [...named, ...inQuery, ...headersOf(route)],
    ...(isQuery ? {} : { requestBody: { required: required.length > 0, content } }),
    responses: { [status]: success(result), ...unchanged(route), ...problems(route) },
  }
}

function tagOf(path: string): string {
  return path.split('/')[2] ?? ''
}

function parameter(name: string, more: Record<string, unknown>): Record<string, unknown> {
  return { name, ...more }
}

const etag = { type: 'string', pattern: '^"[A-Za-z0-9_-]{22}"$' }
const ifMatchCodes: readonly ProblemCode[] = ['PRECONDITION_FAILED']

function headersOf({ operation }: Route): Record<string, unknown>[] {
  const schema = { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' }
  const id = parameter('X-Request-Id', { in: 'header', schema, description: 'Recorded, and given back.' })
  const once = parameter('Idempotency-Key', { in: 'header', schema, description: 'Asked again, it is not done again.' })
  const unchanged = parameter('If-Match', {
    in: 'header',
    schema: etag,
    description: 'Done only while the key has this ETag.',
  })
  return [id, ...(takesIdempotencyKey(operation) ? [once] : []), ...(takesIfMatch(operation) ? [unchanged] : [])]
}

function success(result: ResultName): Record<string, unknown> {
  const schema = { $ref: `#/components/schemas/${result}` }
  const headers = result === 'key' ? { headers: { ETag: { schema: etag } } } : {}
  return { description: 'Done, and recorded.', ...headers, content: { [mediaTypeOf(result)]: { schema } } }
}

/** Of a key that its caller knows already. */
function unchanged({ method, result }: Route): Record<string, unknown> {
  return method === 'GET' && result === 'key' ? { 304: { description: 'It has not changed.' } } : {}
}

/** One answer for each status: its codes are in the description. */
function problems({ codes, operation }: Route): Record<string, unknown> {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of new Set([...commonCodes, ...codes, ...(takesIfMatch(operation) ? ifMatchCodes : [])])) {
    byStatus.set(statuses[code], [...(byStatus.get(statuses[code]) ?? []), code])
  }
  const content = (all: readonly ProblemCode[]): Record<string, unknown> => {
    const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: all } } }] }
    return { 'application/problem+json': { schema } }
  }
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => [status, { description: all.join(', '), content: content(all) }]),
  )
}
