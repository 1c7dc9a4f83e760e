import type { AuditRecord } from '@chatelaine/core'
import type { Tail } from '@chatelaine/core/remote'
import { errorOfConnection, errorOfProblem } from './failure.ts'

/** Reads audit records from server-sent events. Ends with the error that the server tells, or that the connection has. */
export async function* readEvents(answer: Response, signal: AbortSignal | undefined): Tail {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  try {
    let rest = ''
    for (;;) {
      const next = await read(reader, signal)
      const events = (rest + next).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) yield* recordOf(event)
    }
  } finally {
    await reader?.cancel().catch(() => undefined)
  }
}

async function read(
  reader: ReadableStreamDefaultReader<string> | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  try {
    const next = await reader?.read()
    if (next?.value !== undefined) return next.value
  } catch (error) {
    throw errorOfConnection(error, signal)
  }
  throw errorOfConnection(new Error('the server ended the tail'), signal)
}

function* recordOf(event: string): Generator<AuditRecord, void, undefined> {
  const lines = new Map(
    event.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  )
  const data = lines.get('data')
  if (data === undefined) return
  const value: unknown = JSON.parse(data)
  if (lines.get('event') === 'problem') throw errorOfProblem(value, 0)
  yield value as AuditRecord
}
