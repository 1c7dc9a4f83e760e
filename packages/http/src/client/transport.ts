import {
  InvalidRequestError,
  type ByteTransform,
  type CallOptions,
  type ListAuditRequest,
  type TailRequest,
} from '@chatelaine/core'
import { requestSchema } from '@chatelaine/core/remote'
import type { OperationName, StreamOperationName, Tail, Transport } from '@chatelaine/core/remote'
import { mediaTypeOf, resultSchema } from '../results.ts'
import { routeOf, tailPath } from '../routes.ts'
import { codecOf } from '../server/asked.ts'
import { etagOf } from '../server/etag.ts'
import { streams } from '../server/streams.ts'
import { framesType } from '../wire/frames.ts'
import { requestCodec } from '../wire/request-codec.ts'
import { resultReader } from '../wire/result-codec.ts'
import { address, queryOf } from './address.ts'
import { byteStream } from './byte-stream.ts'
import { readEvents } from './events.ts'
import { errorOfConnection, errorOfProblem } from './failure.ts'
import type { ClientSettings } from './options.ts'

const sendableId = /^[\x21-\x7e]{1,128}$/

/** Carries operations over HTTP. Nothing is tried again by itself: whoever calls knows what may be done twice. */
export class HttpTransport implements Transport {
  readonly #settings: ClientSettings

  constructor(settings: ClientSettings) {
    this.#settings = settings
  }

  async call(name: OperationName, request: unknown, options: CallOptions): Promise<unknown> {
    const route = routeOf(placed(name, request as object))
    const { path, rest } = address(route, codecOf(name).write(request as object))
    const inQuery = route.method === 'GET' || route.method === 'DELETE'
    const body = inQuery ? {} : { body: JSON.stringify(rest) }
    const type: Record<string, string> = inQuery ? {} : { 'content-type': 'application/json' }
    const target = `${path}${inQuery ? queryOf(rest) : ''}`
    const answer = await this.#send(target, { method: route.method, headers: type, ...body }, options)
    if (answer.ok && mediaTypeOf(route.result) !== 'application/json') return textOf(answer, options.signal)
    const told = await json(answer, options.signal)
    if (!answer.ok) throw errorOfProblem(told, answer.status)
    return resultReader(resultSchema(route.result))(told)
  }

  stream(name: StreamOperationName, request: unknown, options: CallOptions): ByteTransform {
    const [beside] = Object.entries(streams).find(([, stream]) => stream === name) ?? ['encrypt']
    const { path } = routeOf(beside as OperationName)
    const asked = JSON.stringify(requestCodec(requestSchema(name)).write(request as object))
    const headers = {
      'content-type': 'application/octet-stream',
      accept: framesType,
      'chatelaine-request': Buffer.from(asked, 'utf8').toString('base64url'),
    }
    const send = async (body: ReadableStream<Uint8Array>): Promise<Response> =>
      this.#send(path, { method: 'POST', headers, body, duplex: 'half' }, options)
    return byteStream(send, options.signal)
  }

  async *tail({ from }: TailRequest, options: CallOptions): Tail {
    const query = queryOf({ from })
    const answer = await this.#send(`${tailPath}${query}`, { method: 'GET', headers: {} }, options)
    if (!answer.ok) throw errorOfProblem(await json(answer, options.signal), answer.status)
    yield* readEvents(answer, options.signal)
  }

  async #send(
    target: string,
    init: RequestInit,
    { signal, requestId, idempotencyKey, ifMatch }: CallOptions,
  ): Promise<Response> {
    if (requestId !== undefined && !sendableId.test(requestId)) {
      throw new InvalidRequestError('over HTTP a requestId is printable ASCII without spaces')
    }
    const { url, headers, fetch } = this.#settings
    const named = {
      ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      ...(ifMatch === undefined ? {} : { 'if-match': etagOf(ifMatch) }),
    }
    const all = { ...(await headers()), ...(init.headers as Record<string, string>), ...named }
    try {
      return await fetch(`${url}${target}`, { ...init, headers: all, redirect: 'error', signal: signal ?? null })
    } catch (error) {
      throw errorOfConnection(error, signal)
    }
  }
}

/** The operation at whose place a request is asked: a list by a context is a search, since a context is in no URL. */
function placed(name: OperationName, request: object): OperationName {
  const isSearch = name === 'listAudit' && Object.keys((request as ListAuditRequest).context ?? {}).length > 0
  return isSearch ? 'findAudit' : name
}

async function textOf(answer: Response, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await answer.text()
  } catch (error) {
    throw errorOfConnection(error, signal)
  }
}

/** The JSON of an answer; `undefined` where it is none, as a proxy's may be. */
async function json(answer: Response, signal: AbortSignal | undefined): Promise<unknown> {
  const text = await textOf(answer, signal)
  try {
    return JSON.parse(text)
  } catch {
    if (answer.ok) throw errorOfProblem({ detail: 'the server answered something else than JSON' }, answer.status)
    return undefined
  }
}
