import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request in AWS JSON 1.1: `POST /`, the operation in a header, a JSON object as its body. */
export interface WireRequest {
  /** What follows `TrentService.` in `X-Amz-Target`. */
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** An error as the service tells it: its code in the body and in a header, 400 for whatever is the client's fault. */
export class WireError extends Error {
  readonly code: string
  readonly status: number
  /** Whether there is a message at all: some codes tell nothing, so that they are no oracle. */
  readonly isSilent: boolean

  constructor(code: string, message = '', status = 400) {
    super(message)
    this.code = code
    this.status = status
    this.isSilent = message === ''
  }
}

const contentType = 'application/x-amz-json-1.1'
const target = 'TrentService.'
const maxBodyBytes = 1024 * 1024

/** Reads a request. @throws WireError */
export async function readRequest(request: IncomingMessage): Promise<WireRequest> {
  const body = await readBody(request)
  const { headers } = request
  const asked = headers['x-amz-target']
  if (request.method !== 'POST' || request.url !== '/' || typeof asked !== 'string' || !asked.startsWith(target)) {
    throw new WireError('UnknownOperationException')
  }
  if (headers['content-type'] !== contentType) throw new WireError('SerializationException')
  return { operation: asked.slice(target.length), input: parse(body), headers, body }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request) {
    bytes += (piece as Buffer).length
    if (bytes > maxBodyBytes) throw new WireError('RequestEntityTooLargeException', 'too large', 413)
    pieces.push(piece as Buffer)
  }
  return Buffer.concat(pieces)
}

function parse(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // It is refused below, like everything else that is no object.
  }
  throw new WireError('SerializationException')
}

/** Answers with what an operation gave; one that gives nothing has an empty body. */
export function answer(response: ServerResponse, output: unknown, date: Date): void {
  send(response, { status: 200, body: output === undefined ? '' : JSON.stringify(output), date })
}

/** Answers with an error. `AccessDeniedException` alone writes its message with a capital. */
export function refuse(response: ServerResponse, error: WireError, date: Date): void {
  const name = error.code === 'AccessDeniedException' ? 'Message' : 'message'
  const body = { __type: error.code, ...(error.isSilent ? {} : { [name]: error.message }) }
  response.setHeader('x-amzn-ErrorType', error.code)
  send(response, { status: error.status, body: JSON.stringify(body), date })
}

/** Answers with a body as it is. */
export function send(
  response: ServerResponse,
  { status, body, date }: { readonly status: number; readonly body: string; readonly date: Date },
): void {
  response.setHeader('content-type', contentType)
  response.setHeader('x-amzn-RequestId', randomUUID())
  response.setHeader('date', date.toUTCString())
  response.writeHead(status).end(body)
}
