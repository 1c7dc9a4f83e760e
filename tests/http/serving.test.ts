import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { createHttpHandler, type HttpHandler } from '@chatelaine/http'
import { serveHttp, type HttpServer, type ServeOptions } from '@chatelaine/http/node'
import { memoryStorage } from '@chatelaine/storage-memory'
import { describe, expect, onTestFinished, test } from 'vitest'
import { answerOf, open } from './connections.ts'

/** A server whose `authenticate` says who asks only when the test lets it. */
interface Held extends HttpServer {
  /** Resolves when somebody is asked for. */
  readonly asked: Promise<void>
  readonly letIn: () => void
}

async function serve(options: Partial<ServeOptions> = {}): Promise<Held> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const handler: HttpHandler = createHttpHandler(kms, {
    authenticate: async () => {
      asked.resolve()
      await held.promise
      return { id: 'boss', role: 'admin' } as const
    },
  })
  const server = await serveHttp(handler, { port: 0, ...options })
  onTestFinished(async () => {
    await server.close()
    await kms.close()
  })
  return { ...server, asked: asked.promise, letIn: held.resolve }
}

const request = 'GET /v1/keys HTTP/1.1\r\nhost: kms.test\r\n\r\n'

describe('A server', () => {
  test('that closes answers what is under way, whole, and ends its connection', async () => {
    const server = await serve()
    const socket = await open(server)
    socket.write(request)
    await server.asked
    const closed = server.close()
    server.letIn()
    const before = performance.now()
    expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 200 .*connection: close.*\{"items":\[\]\}$/is)
    await closed
    // Not when the connection has been idle for long enough.
    expect(performance.now() - before).toBeLessThan(2000)
  })

  test('that closes answers what it has heard the beginning of, and says that it is the last', async () => {
    const server = await serve()
    server.letIn()
    const socket = await open(server)
    const heard = new Promise((done) => server.server.once('connection', done))
    const late = await open(server)
    await heard
    late.write(request.slice(0, -2))
    socket.write(request)
    await new Promise((done) => socket.once('data', done))
    const closed = server.close()
    late.write(request.slice(-2))
    const before = performance.now()
    expect(await answerOf(late)).toMatch(/^HTTP\/1\.1 200 .*connection: close.*"items"/is)
    await closed
    expect(performance.now() - before).toBeLessThan(2000)
  })

  test('that closes ends a connection with the answer that had begun, when that ends', async () => {
    const server = await serve()
    server.letIn()
    const socket = await open(server)
    socket.write('GET /v1/audit/tail?from=0 HTTP/1.1\r\nhost: kms.test\r\n\r\n')
    await new Promise((done) => socket.once('data', done))
    const before = performance.now()
    await server.close()
    expect(await answerOf(socket)).toMatch(/0\r\n\r\n$/)
    expect(performance.now() - before).toBeLessThan(2000)
  })

  test('that closes waits no longer than it was told', async () => {
    const server = await serve({ graceMs: 50 })
    const socket = await open(server)
    socket.write(request)
    await server.asked
    const before = performance.now()
    await server.close()
    expect(performance.now() - before).toBeLessThan(5000)
    expect(await answerOf(socket)).toBe('')
    server.letIn()
  })

  test('that closes ends connections on which nothing is asked, at once, and is closed once', async () => {
    const server = await serve({ graceMs: 600_000 })
    server.letIn()
    const socket = await open(server)
    socket.write(request)
    await new Promise((done) => socket.once('data', done))
    await Promise.all([server.close(), server.close()])
    expect(socket.closed || (await answerOf(socket)) === '').toBe(true)
  })

  test('H109 takes headers that hold a context, none that are longer, and waits for none for ever', async () => {
    const { url, server, letIn } = await serve()
    letIn()
    const status = async (length: number): Promise<number> =>
      (await fetch(`${url}/v1/healthz`, { headers: { 'chatelaine-request': 'x'.repeat(length) } })).status
    expect(await status(30_000)).toBe(200)
    expect(await status(40_000)).toBe(431)
    expect(server.headersTimeout).toBe(10_000)
    expect(server.timeout).toBe(60_000)
  })
})
