import type { IncomingMessage, ServerResponse } from 'node:http'
import { InvalidRequestError, type ByteTransform, type KmsClient } from '@chatelaine/core'
import { requestSchema, type StreamOperationName } from '@chatelaine/core/remote'
import { HttpError, problemOf } from '../problem.ts'
import { parseStrictJson } from '../strict-json.ts'
import { frame, framesType, lastFrame } from '../wire/frames.ts'
import { requestCodec } from '../wire/request-codec.ts'
import { plainAnswer } from './answers.ts'
import { requirePlain } from './body.ts'
import type { Patience } from './patience.ts'

/** The type of a body that is bytes. */
export const bytesType = 'application/octet-stream'
/** The header with what else a request has to say: base64url of a JSON object. */
export const requestHeader = 'chatelaine-request'

const base64url = /^[\w-]*={0,2}$/

/** The operation on streams that stands beside one on messages, at the same place. */
export const streams = { encrypt: 'encryptStream', decrypt: 'decryptStream', reEncrypt: 'reEncryptStream' } as const

/** The stream operation that a body of this type means; `undefined` where it is a request in JSON. */
export function streamOf(operation: string, type: string): StreamOperationName | undefined {
  if (type !== bytesType) return undefined
  return Object.hasOwn(streams, operation) ? streams[operation as keyof typeof streams] : undefined
}

/** What a stream works with. */
export interface Streamed {
  readonly client: KmsClient
  readonly request: Request
  /** What the server gives besides. */
  readonly env: unknown
  readonly id: string
  readonly patience: Patience
}

/**
 * Lets a body through an operation on streams. What is wrong at once is an answer like any other; what goes wrong later
 * breaks the connection off, or is told in the last frame to a client that wants frames.
 */
export async function serveStream(name: StreamOperationName, streamed: Streamed): Promise<Response> {
  const { client, request, id: requestId, patience } = streamed
  requirePlain(request)
  requireUnread(streamed)
  const asked = readHeader(name, request)
  const through = open(client, name, { asked, requestId })
  void pump(request, through.writable, patience)
  const reader = through.readable.getReader() as ReadableStreamDefaultReader<Uint8Array>
  const first = await reader.read()
  const framed = (request.headers.get('accept') ?? '').includes(framesType)
  const headers = { 'content-type': framed ? framesType : bytesType }
  return plainAnswer(bodyOf(first, { reader, framed, requestId, outgoing: given(streamed.env).outgoing }), {
    status: 200,
    requestId,
    headers,
  })
}

/** What a server on Node gives besides the request. */
export function given(env: unknown): Partial<Readonly<{ incoming: IncomingMessage; outgoing: ServerResponse }>> {
  return env ?? {}
}

/** Refuses a body that somebody has read before, such as a parser of Express: what is left of it is nothing. */
function requireUnread({ request, env }: Streamed): void {
  if (!request.bodyUsed && given(env).incoming?.readableDidRead !== true) return
  throw new InvalidRequestError('the body was read before it got here')
}

function readHeader(name: StreamOperationName, request: Request): object {
  const given = request.headers.get(requestHeader) ?? ''
  if (!base64url.test(given)) throw new InvalidRequestError(`${requestHeader} is not base64url`)
  const value = given === '' ? {} : parseStrictJson(Buffer.from(given, 'base64url'))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidRequestError(`${requestHeader} is not an object`)
  }
  return requestCodec(requestSchema(name)).read(value)
}

function open(
  client: KmsClient,
  name: StreamOperationName,
  { asked, requestId }: { readonly asked: object; readonly requestId: string },
): ByteTransform {
  return client[name](asked as never, { requestId })
}

/** Puts a body through; a body that stands still or breaks off ends the stream, which is recorded. */
async function pump(request: Request, writable: ByteTransform['writable'], patience: Patience): Promise<void> {
  const writer = writable.getWriter()
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let length = 0
  try {
    reader = request.body?.getReader()
    for (;;) {
      const next = reader === undefined ? undefined : await patience.within(reader.read(), late)
      if (next?.value === undefined || next.done) break
      length += next.value.byteLength
      await writer.write(next.value)
    }
    requireWhole(request, length)
    await writer.close()
  } catch (error) {
    await Promise.allSettled([writer.abort(error), reader?.cancel(error)])
  }
}

/** Refuses a body that is not as long as it said. */
function requireWhole(request: Request, length: number): void {
  const told = request.headers.get('content-length')
  if (told !== null && Number(told) !== length) throw new InvalidRequestError('the body ended before its end')
}

function late(): Error {
  return new HttpError('REQUEST_TIMEOUT', 'the body stands still')
}

interface Source {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>
  readonly framed: boolean
  readonly requestId: string
  /** The server's own answer, where it is at hand. */
  readonly outgoing: ServerResponse | undefined
}

function bodyOf(first: { done: boolean; value?: Uint8Array | undefined }, source: Source): ReadableStream<Uint8Array> {
  const { reader, framed, requestId, outgoing } = source
  let next: typeof first | undefined = first
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const { done, value } = next ?? (await reader.read())
        next = undefined
        if (value !== undefined) controller.enqueue(framed ? frame(value) : value)
        if (!done) return
        if (framed) controller.enqueue(lastFrame())
        controller.close()
      } catch (error) {
        if (!framed) return breakOff(outgoing, () => controller.error(error))
        controller.enqueue(lastFrame(problemOf(error, requestId).body))
        controller.close()
      }
    },
    cancel: async (reason) => reader.cancel(reason),
  })
}

/** Ends an answer in the midst of it, first of all the server's own: told of the error, the server would print it. */
function breakOff(outgoing: ServerResponse | undefined, fail: () => void): void {
  if (outgoing === undefined || outgoing.closed) return fail()
  outgoing.once('close', fail)
  outgoing.destroy()
}
