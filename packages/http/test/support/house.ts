import { createKms, generateRootKey, localRootKey, type Kms, type Principal } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { onTestFinished } from 'vitest'
import { createHttpHandler, type HttpHandler, type HttpOptions } from '../../src/index.ts'

/** Who is known by which token. */
const people: Readonly<Record<string, Principal>> = {
  'Bearer admin': { id: 'boss', role: 'admin' },
  'Bearer auditor': { id: 'eve', role: 'auditor' },
  'Bearer billing': 'billing',
}

/** Knows people by a token. */
export function byToken(request: Request): Principal | undefined {
  return people[request.headers.get('authorization') ?? '']
}

/** A KMS in memory, closed when the test ends. */
export async function newKms(): Promise<Kms> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  onTestFinished(() => kms.close())
  return kms
}

/** A request as a test writes it. */
export interface Call {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** A body as JSON. */
  readonly json?: unknown
  /** A body as it is. */
  readonly body?: string | ReadableStream<Uint8Array>
}

/** An answer, read. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Record<string, unknown>
}

/** A house with a handler in front. */
export interface HttpHouse {
  readonly kms: Kms
  readonly handler: HttpHandler
  /** Asks as an admin, unless the call says otherwise. */
  ask(method: string, path: string, call?: Call): Promise<Answer>
}

/** Makes one, closed when the test ends. */
export async function newHttpHouse(options: Partial<HttpOptions> = {}): Promise<HttpHouse> {
  const kms = await newKms()
  const handler = createHttpHandler(kms, { authenticate: byToken, ...options })
  return { kms, handler, ask: async (method, path, call = {}) => read(await handler(requestOf(method, path, call))) }
}

/** A request. */
export function requestOf(method: string, path: string, call: Call): Request {
  const { token = 'admin', headers = {}, json, body } = call
  const hasBody = json !== undefined || body !== undefined || !['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(method)
  const init = hasBody ? { body: body ?? JSON.stringify(json ?? {}), duplex: 'half' as const } : {}
  const type: Record<string, string> = hasBody ? { 'content-type': 'application/json' } : {}
  const known: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` }
  return new Request(`http://kms.test${path}`, { method, headers: { ...type, ...known, ...headers }, ...init })
}

async function read(answer: Response): Promise<Answer> {
  const text = await answer.text()
  const isJson = (answer.headers.get('content-type') ?? '').includes('json') && text !== ''
  const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {}
  return { status: answer.status, headers: answer.headers, text, json }
}
