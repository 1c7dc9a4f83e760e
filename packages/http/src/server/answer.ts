import { isKmsError } from '@chatelaine/core'
import type { Context } from 'hono'
import { HttpError, problemOf } from '../problem.ts'
import { problemAnswer } from './answers.ts'
import { requestIdOf } from './request-id.ts'
import type { Service } from './service.ts'

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
    return problemAnswer(problemOf(error, requestId), requestId)
  } finally {
    service.end()
  }
}
