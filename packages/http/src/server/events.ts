import { InvalidRequestError, type AuditRecord, type KmsClient } from '@chatelaine/core'
import { follow, type Tail } from '@chatelaine/core/remote'
import { problemOf } from '../problem.ts'
import { resultToJson } from '../wire/result-codec.ts'
import { plainAnswer } from './answers.ts'

/** After so long without a record a comment says that the connection lives. */
const quietMs = 15_000

/** Where and for whom to follow the log. */
export interface Following {
  readonly client: KmsClient
  readonly request: Request
  readonly id: string
  /** Aborts when the server wants to end. */
  readonly draining: AbortSignal
}

/**
 * Follows the audit log as server-sent events: the record in `data`, its `seq` in `id`, so that a client that comes back
 * goes on where it was. One that fails ends with an event `problem`.
 */
export async function serveTail({ client, request, id: requestId, draining }: Following): Promise<Response> {
  const from = startOf(request)
  const leaving = new AbortController()
  const signal = AbortSignal.any([leaving.signal, draining])
  const tail = await follow(client, from === undefined ? {} : { from }, { requestId, signal })
  const headers = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' }
  return plainAnswer(events(tail, { requestId, leaving, draining }), { status: 200, requestId, headers })
}

interface Listening {
  readonly requestId: string
  readonly leaving: AbortController
  readonly draining: AbortSignal
}

function events(tail: Tail, { requestId, leaving, draining }: Listening): ReadableStream<Uint8Array> {
  let timer: NodeJS.Timeout | undefined
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(utf8(': following\n\n'))
      timer = setInterval(() => controller.enqueue(utf8(': \n\n')), quietMs)
      timer.unref()
    },
    pull: async (controller) => {
      try {
        const { done, value } = await tail.next()
        if (done !== true) return controller.enqueue(eventOf(value))
      } catch (error) {
        if (!draining.aborted)
          controller.enqueue(utf8(`event: problem\ndata: ${JSON.stringify(problemOf(error, requestId).body)}\n\n`))
      }
      clearInterval(timer)
      controller.close()
    },
    cancel: () => {
      clearInterval(timer)
      leaving.abort(new Error('the client left'))
    },
  })
}

function eventOf(record: AuditRecord): Uint8Array {
  return utf8(`id: ${record.seq}\ndata: ${resultToJson(record)}\n\n`)
}

function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

/** Where to begin: after the last event that the client had, or where it asks. */
function startOf(request: Request): number | undefined {
  const asked = readFrom(new URL(request.url).searchParams)
  const last = request.headers.get('last-event-id')
  return last === null ? asked : numberOf(last) + 1
}

function readFrom(query: URLSearchParams): number | undefined {
  const [name, ...others] = query.keys()
  if (name === undefined) return undefined
  if (name !== 'from' || others.length > 0) throw new InvalidRequestError('a tail takes from, and nothing else')
  return numberOf(query.get('from') ?? '')
}

function numberOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidRequestError('a record is named by its seq')
  return Number(text)
}
