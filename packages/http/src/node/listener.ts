import type { IncomingMessage, ServerResponse } from 'node:http'
import { InvalidRequestError } from '@chatelaine/core'
import { getRequestListener, RequestError } from '@hono/node-server'
import type { HttpHandler } from '../handler.ts'
import { problemOf } from '../problem.ts'
import { problemAnswer } from '../server/answers.ts'

/** What `node:http`, Express and Fastify's `raw` requests call. */
export type NodeListener = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

/**
 * Makes of a handler a listener for `node:http` and `node:https`, which Express mounts as it is. Whatever read the body
 * before, such as `express.json()`, leaves nothing to read: mount it before that.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { nodeListener } from '@chatelaine/http/node'
 * import type { HttpHandler } from '@chatelaine/http'
 *
 * const serve = (handler: HttpHandler) => createServer(nodeListener(handler)).listen(8080)
 * ```
 */
export function nodeListener(handler: HttpHandler): NodeListener {
  return getRequestListener(async (request, env) => handler(request, env), {
    overrideGlobalObjects: false,
    // Of a request that names none, as only HTTP/1.0 allows: what asks whether a server is alive often speaks it.
    hostname: 'localhost',
    errorHandler: answerTo,
  })
}

/** The answer to what never became a request, such as one to a host that is no name. */
function answerTo(error: unknown): Response {
  const requestId = crypto.randomUUID()
  const told = error instanceof RequestError ? new InvalidRequestError('the host or the path is not valid') : error
  return problemAnswer(problemOf(told, requestId), requestId)
}
