import { statuses, type ProblemCode } from '../problem.ts'

/** An answer that is not a success. */
export const problemSchema = {
  type: 'object',
  description: 'RFC 9457. Decide by `code`.',
  properties: {
    type: { const: 'about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { enum: Object.keys(statuses) },
    retryable: { type: 'boolean' },
    requestId: { type: 'string' },
    outcome: { enum: ['none', 'unknown'] },
    retryAt: { type: 'string', format: 'date-time' },
    issues: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path: { type: 'string' }, message: { type: 'string' } },
        required: ['path', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
}

/** One answer for each status: its codes are in the description. */
export function problems(codes: readonly ProblemCode[]): Record<string, unknown> {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of new Set(codes)) {
    byStatus.set(statuses[code], [...(byStatus.get(statuses[code]) ?? []), code])
  }
  const content = (all: readonly ProblemCode[]): Record<string, unknown> => {
    const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: all } } }] }
    return { 'application/problem+json': { schema } }
  }
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => [status, { description: all.join(', '), content: content(all) }]),
  )
}
