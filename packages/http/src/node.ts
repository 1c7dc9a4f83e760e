/**
 * The HTTP adapter on `node:http`.
 *
 * @packageDocumentation
 */

export { nodeListener, type NodeListener } from './node/listener.ts'
export { serveHttp, type HttpServer, type ServeOptions } from './node/server.ts'
