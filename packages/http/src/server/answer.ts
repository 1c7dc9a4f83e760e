import { isKmsError } from '@chatelaine/core'
import type { Context } from 'hono'
import { HttpError, problemOf } from '../problem.ts'
import { problemAnswer } from './answers.ts'
import { requestIdOf } from './request-id.ts'
import type { Service } from './service.ts'
import { given } from './streams.ts'

/** Answers a request by what `work` makes of it. Whatever goes wrong is an answer too. */
export async function answer(
  service: Service,
  context: Context,
  work: (requestId: string) => Promise<Response> | Response,
): Promise<Response> {
  const requestId = requestIdOf(context.req.raw)
  service.begin()
  try {
    return await work(requestId)
  } catch (error) {
    if (!(error instanceof HttpError) && !isKmsError(error)) service.settings.onError(error, { requestId })
    const problem = problemOf(error, requestId)
    const headers = isCutOff(context) ? { ...problem.headers, connection: 'close' } : problem.headers
    return problemAnswer({ ...problem, headers }, requestId)
  } finally {
    service.end()
  }
}

/**
 * Whether a body was begun and not read to its end: the rest of it goes with its connection, and so would a request that
 * follows on it.
 */
function isCutOff({ req, env }: Context): boolean {
  return req.raw.bodyUsed && given(env).incoming?.readableEnded === false
}
