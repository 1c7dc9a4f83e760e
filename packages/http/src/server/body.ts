import { InvalidRequestError, LimitExceededError } from '@chatelaine/core'
import { HttpError } from '../problem.ts'
import type { Patience } from './patience.ts'

const none = new Uint8Array(0)

/** The type of a body, without its parameters. */
export function mediaType(request: Request): string {
  const given = request.headers.get('content-type') ?? ''
  const end = given.indexOf(';')
  return (end === -1 ? given : given.slice(0, end)).trim().toLowerCase()
}

/** Refuses a body that is compressed: what it would come to nobody knows before. @throws HttpError */
export function requirePlain(request: Request): void {
  const encoding = request.headers.get('content-encoding')
  if (encoding === null || encoding === 'identity') return
  throw new HttpError('UNSUPPORTED_MEDIA_TYPE', 'a body is not compressed', { 'accept-encoding': 'identity' })
}

/** Refuses a body, as its headers tell of one, where none is read: what it says would be passed over. @throws InvalidRequestError */
export function requireNoBody({ headers }: Request): void {
  if (Number(headers.get('content-length')) === 0 && headers.get('transfer-encoding') === null) return
  throw new InvalidRequestError('this route takes no body: what it has to know is in its path and its query')
}

/**
 * Reads a whole body, of at most so many bytes, with so much patience.
 *
 * @throws LimitExceededError, InvalidRequestError when it ends early, HttpError when it takes too long
 */
export async function readBody(request: Request, maxBodyBytes: number, patience: Patience): Promise<Uint8Array> {
  const told = lengthOf(request)
  if (told !== undefined && told > maxBodyBytes) throw tooLong(maxBodyBytes)
  if (told === 0) return none
  try {
    if (told === undefined) return await patience.within(gather(request.body, maxBodyBytes), late)
    const bytes = new Uint8Array(await patience.within(request.arrayBuffer(), late))
    if (bytes.byteLength > maxBodyBytes) throw tooLong(maxBodyBytes)
    return bytes
  } catch (error) {
    if (error instanceof HttpError || error instanceof LimitExceededError) throw error
    throw new InvalidRequestError('the body ended before its end', [], { cause: error })
  }
}

/** Giving back so little takes longer than it helps. */
const fewBytes = 1024

/** Wipes a body that was read, and gives its memory back at once: what runs next finds it warm. */
export function discard(bytes: Uint8Array): void {
  bytes.fill(0)
  const { buffer, byteLength } = bytes
  if (byteLength > fewBytes && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** How long a body says that it is; `undefined` where it says nothing that can be held against it. */
function lengthOf({ headers }: Request): number | undefined {
  const told = headers.get('content-length')
  return told !== null && /^\d+$/.test(told) ? Number(told) : undefined
}

function late(): Error {
  return new HttpError('REQUEST_TIMEOUT', 'the body takes too long', { connection: 'close' })
}

/** Reads what does not say how long it is. */
async function gather(body: ReadableStream<Uint8Array> | null, most: number): Promise<Uint8Array> {
  if (body === null) return none
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.byteLength
    if (length > most) {
      void reader.cancel().catch(() => undefined)
      throw tooLong(most)
    }
    chunks.push(next.value)
  }
  return Buffer.concat(chunks)
}

function tooLong(most: number): LimitExceededError {
  return new LimitExceededError(`a body has at most ${most} bytes`)
}
