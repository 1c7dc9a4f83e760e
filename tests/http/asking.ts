import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { createHttpHandler, type HttpHandler } from '@chatelaine/http'
import { memoryStorage } from '@chatelaine/storage-memory'
import { onTestFinished } from 'vitest'
import type { DocumentedOperation } from './schemas.ts'

/** A house with keys of every usage, and an admin, a service and an auditor at its door. */
export async function newHouse(): Promise<{ kms: Kms; handler: HttpHandler; unexpected: unknown[] }> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  onTestFinished(() => kms.close())
  const unexpected: unknown[] = []
  const roles = {
    admin: { id: 'boss', role: 'admin' },
    auditor: { id: 'eve', role: 'auditor' },
    service: 'billing',
  } as const
  const handler = createHttpHandler(kms, {
    authenticate: (request) => roles[request.headers.get('authorization') as keyof typeof roles],
    onError: (error) => unexpected.push(error),
  })
  return { kms, handler, unexpected }
}

/** What a request says. */
export interface Asked {
  readonly path?: Readonly<Record<string, string>> | undefined
  readonly query?: Readonly<Record<string, unknown>> | undefined
  readonly body?: unknown
  /** Headers besides. */
  readonly more?: Readonly<Record<string, string>> | undefined
}

/** A request of an operation. */
export function requestOf(operation: DocumentedOperation, asked: Asked, who = 'admin'): Request {
  const { path = {}, query = {}, body, more } = asked
  const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(path[name] ?? 'orders'),
  )
  const search = new URLSearchParams(
    Object.fromEntries(Object.entries(query).map(([name, value]) => [name, textOf(value)])),
  ).toString()
  const target = `http://kms.test${filled}${search === '' ? '' : `?${search}`}`
  const headers = { authorization: who, 'content-type': 'application/json', ...more }
  return new Request(target, {
    method: operation.method,
    headers,
    ...(operation.body === undefined ? {} : { body: JSON.stringify(body ?? {}) }),
  })
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : String(JSON.stringify(value))
}
