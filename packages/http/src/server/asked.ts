import { InvalidRequestError } from '@chatelaine/core'
import { requestSchema, type JsonSchema, type OperationName } from '@chatelaine/core/remote'
import { HttpError } from '../problem.ts'
import type { Route } from '../routes.ts'
import { parseStrictJson } from '../strict-json.ts'
import { requestCodec, type RequestCodec } from '../wire/request-codec.ts'
import { discard, readBody, requireNoBody, requirePlain } from './body.ts'
import type { Service } from './service.ts'

const codecs = new Map<OperationName, RequestCodec>()

/** The codec of an operation's requests. */
export function codecOf(operation: OperationName): RequestCodec {
  const known = codecs.get(operation)
  if (known !== undefined) return known
  const made = requestCodec(requestSchema(operation))
  codecs.set(operation, made)
  return made
}

/** A request that asks something of a route. */
export interface Asking {
  readonly request: Request
  readonly route: Route
  /** Of the body, without its parameters. */
  readonly type: string
  /** What the path says. */
  readonly path: Readonly<Record<string, string>>
}

/** What a request asks for, as the library takes it. @throws InvalidRequestError, LimitExceededError, HttpError */
export async function readAsked(service: Service, asking: Asking): Promise<object> {
  const { request, route, path } = asking
  const inQuery = route.method === 'GET' || route.method === 'DELETE'
  if (inQuery) requireNoBody(request)
  else requireNoQuery(request)
  const given = inQuery
    ? readQuery(queryOf(request.url), requestSchema(route.operation))
    : await readJson(service, asking)
  for (const name of Object.keys(path)) if (Object.hasOwn(given, name)) throw invalid(name, 'it is in the path already')
  return codecOf(route.operation).read({ ...given, ...path })
}

/** Refuses a query where nothing is read of it. @throws InvalidRequestError */
export function requireNoQuery({ url }: Request): void {
  if (queryOf(url) !== '') throw invalid('', 'this route takes no query')
}

function queryOf(url: string): string {
  const at = url.indexOf('?')
  return at === -1 ? '' : url.slice(at + 1)
}

async function readJson({ settings, patience }: Service, { request, type }: Asking): Promise<object> {
  requirePlain(request)
  // Asked of an empty body too: no form of another origin can say it.
  if (type !== 'application/json') {
    throw new HttpError('UNSUPPORTED_MEDIA_TYPE', 'the body is application/json')
  }
  const bytes = await readBody(request, settings.maxBodyBytes, patience)
  try {
    const value = bytes.byteLength === 0 ? {} : parseStrictJson(bytes)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid('', 'the body is not an object')
    return value
  } finally {
    discard(bytes)
  }
}

/** Members in a query: each once, numbers and truth values as their schemas want them. */
function readQuery(query: string, schema: JsonSchema): object {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>
  const made: Record<string, unknown> = {}
  for (const [name, text] of new URLSearchParams(query)) {
    if (name === '__proto__' || Object.hasOwn(made, name)) throw invalid(name, 'it is there twice')
    made[name] = Object.hasOwn(properties, name) ? ofType(text, properties[name]?.['type']) : text
  }
  return made
}

function ofType(text: string, type: unknown): unknown {
  if (type === 'integer' && /^\d{1,16}$/.test(text)) return Number(text)
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) return text === 'true'
  return text
}

function invalid(path: string, message: string): InvalidRequestError {
  return new InvalidRequestError(`the request is not valid: ${path}: ${message}`, [{ path, message }])
}
