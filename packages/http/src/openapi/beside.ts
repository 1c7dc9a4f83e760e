import { commonCodes } from '../problem.ts'
import { tailPath } from '../routes.ts'
import { problems } from './problems.ts'

/** The name of a request. */
export const requestIdParameter = {
  name: 'X-Request-Id',
  in: 'header',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' },
  description: 'Recorded, and given back.',
}

const seq = { type: 'integer', minimum: 0 }
const text = { schema: { type: 'string' } }

const tail = {
  operationId: 'tailAudit',
  tags: ['audit'],
  parameters: [
    { name: 'from', in: 'query', schema: seq, description: 'The first record. Without it, the next that is made.' },
    { name: 'Last-Event-ID', in: 'header', schema: seq, description: 'The last record that its caller had.' },
    requestIdParameter,
  ],
  responses: {
    200: {
      description: 'Records as they are made: each in `data`, its seq in `id`.',
      content: { 'text/event-stream': text },
    },
    ...problems(commonCodes),
  },
}

/** What is served besides operations, by its path: the log as it grows, and what is open to everybody. */
export function besidePaths(): Record<string, Record<string, unknown>> {
  return {
    [tailPath]: { get: tail },
    '/v1/healthz': { get: open('healthz', { 200: status('It lives.', ['ok']) }) },
    '/v1/readyz': {
      get: open('readyz', {
        200: status('Requests are welcome, and get their records.', ['ready']),
        503: status('They are not.', ['not ready']),
      }),
    },
    '/v1/openapi.json': {
      get: open('openapi', {
        200: { description: 'This.', content: { 'application/json': { schema: { type: 'object' } } } },
      }),
    },
    '/v1/reference': {
      get: open('reference', {
        200: { description: 'This, for people.', content: { 'text/html; charset=utf-8': text } },
      }),
    },
  }
}

function open(operationId: string, responses: Record<number, unknown>): Record<string, unknown> {
  return { operationId, tags: ['open'], security: [], parameters: [requestIdParameter], responses }
}

function status(description: string, values: readonly string[]): Record<string, unknown> {
  const schema = { type: 'object', properties: { status: { enum: values } }, required: ['status'] }
  return { description, content: { 'application/json': { schema } } }
}
