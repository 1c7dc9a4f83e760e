import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { HttpHandler } from '../handler.ts'

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
  return getRequestListener(async (request, env) => handler(request, env), { overrideGlobalObjects: false })
}
