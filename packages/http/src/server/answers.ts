import type { Problem } from '../problem.ts'

/** Headers of every answer: nothing is kept, nothing is guessed, nothing is shown inside anything else. */
const safe = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

/** What an answer says about itself. */
export interface AnswerHead {
  readonly status: number
  readonly requestId: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** An answer with a JSON text. */
export function jsonAnswer(text: string, { status, requestId, headers }: AnswerHead): Response {
  const usual = { ...safe, 'content-type': 'application/json', 'x-request-id': requestId }
  return new Response(text, { status, headers: headers === undefined ? usual : { ...usual, ...headers } })
}

/** An answer with something else, or nothing. */
export function plainAnswer(
  body: string | ReadableStream<Uint8Array> | null,
  { status, requestId, headers }: AnswerHead,
): Response {
  return new Response(body, { status, headers: { ...safe, 'x-request-id': requestId, ...headers } })
}

/** The answer to what failed. */
export function problemAnswer({ status, body, headers }: Problem, requestId: string): Response {
  const type = { 'content-type': 'application/problem+json' }
  return jsonAnswer(JSON.stringify(body), { status, requestId, headers: { ...type, ...headers } })
}
