import { createServer as createPlainServer, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { HttpHandler } from '../handler.ts'
import { nodeListener } from './listener.ts'

/** Where and how to serve. */
export interface ServeOptions {
  /** The port; 0 for any that is free. */
  readonly port: number
  /** The address to listen at. @defaultValue '127.0.0.1' */
  readonly host?: string | undefined
  /** Certificate and key, and for mutual TLS `requestCert` and `ca`. @defaultValue plain HTTP */
  readonly tls?: TlsOptions | undefined
  /** How long `close` waits for requests that are under way, in milliseconds. @defaultValue 10,000 */
  readonly graceMs?: number | undefined
}

/** A server that listens. */
export interface HttpServer {
  /** Where, such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** Node's own server. */
  readonly server: Server
  /** Takes no more connections and requests, waits for those that are under way, and ends. The KMS is closed after it. */
  close(): Promise<void>
}

/** Headers come in this time, or not at all. How long a body may take, the handler says: a stream has no limit. */
const headersMs = 10_000
/** A connection on which nothing moves for so long is closed. */
const idleMs = 60_000
/** Room for an encryption context in the header of a stream. */
const maxHeaderBytes = 32_768

/**
 * Serves a handler with `node:http`, or with TLS. Resolves when it listens.
 *
 * @throws whatever Node throws where it cannot listen
 * @example
 * ```ts
 * import { serveHttp } from '@chatelaine/http/node'
 * import type { HttpHandler } from '@chatelaine/http'
 * import type { Kms } from '@chatelaine/core'
 *
 * async function run(kms: Kms, handler: HttpHandler): Promise<void> {
 *   const server = await serveHttp(handler, { port: 8080 })
 *   process.once('SIGTERM', () => void server.close().then(() => kms.close()))
 * }
 * ```
 */
export async function serveHttp(handler: HttpHandler, options: ServeOptions): Promise<HttpServer> {
  const { port, host = '127.0.0.1', tls, graceMs = 10_000 } = options
  const limits = { headersTimeout: headersMs, requestTimeout: 0, maxHeaderSize: maxHeaderBytes }
  const listener = nodeListener(handler)
  const server: Server = tls === undefined ? createPlainServer(limits) : createTlsServer({ ...limits, ...tls })
  server.setTimeout(idleMs)
  const answers = new Set<ServerResponse>()
  server.on('request', (incoming, outgoing) => {
    answers.add(outgoing)
    outgoing.once('close', () => {
      answers.delete(outgoing)
      // Of an answer that had begun before, and could not say that it was the last.
      if (!server.listening) server.closeIdleConnections()
    })
    if (!server.listening) sayLast(outgoing)
    void listener(incoming, outgoing)
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  await promise
  const at = server.address() as AddressInfo
  const name = at.family === 'IPv6' ? `[${at.address}]` : at.address
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${name}:${at.port}`,
    server,
    close: closing({ server, answers, graceMs, drain: () => handler.drain() }),
  }
}

/** Whoever asks a server that is closing learns that this connection ends with the answer. */
function sayLast(outgoing: ServerResponse): void {
  if (!outgoing.headersSent) outgoing.setHeader('connection', 'close')
}

interface Closing {
  readonly server: Server
  /** Those that are under way. */
  readonly answers: ReadonlySet<ServerResponse>
  readonly graceMs: number
  readonly drain: () => void
}

/** Ends a server once: what is idle now, what answers with its answer, what takes longer than `graceMs` then. */
function closing({ server, answers, graceMs, drain }: Closing): () => Promise<void> {
  let ended: Promise<void> | undefined
  const end = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    drain()
    for (const answer of answers) sayLast(answer)
    // Closes what is idle too.
    server.close(() => resolve())
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    await promise.finally(() => clearTimeout(timer))
  }
  return async () => (ended ??= end())
}
