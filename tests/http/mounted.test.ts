import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { createHttpHandler, type HttpHandler } from '@chatelaine/http'
import { nodeListener } from '@chatelaine/http/node'
import { memoryStorage } from '@chatelaine/storage-memory'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { describe, expect, onTestFinished, test } from 'vitest'
import { assertServed } from './serves.ts'

/** A handler whose paths begin with a base, or not. */
async function newHandler(basePath?: string): Promise<HttpHandler> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  onTestFinished(() => kms.close())
  const authenticate = (request: Request) =>
    request.headers.get('authorization') === 'Bearer x' ? ({ id: 'boss', role: 'admin' } as const) : undefined
  return createHttpHandler(kms, { authenticate, basePath })
}

async function listen(listener: RequestListener): Promise<string> {
  return urlOf(createServer(listener).listen(0, '127.0.0.1'))
}

async function urlOf(server: Server): Promise<string> {
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  })
  if (!server.listening) await new Promise((done) => server.once('listening', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Each way to mount a handler: gives where it then is. */
const ways: Readonly<Record<string, () => Promise<string>>> = {
  'node:http': async () => {
    const listener = nodeListener(await newHandler())
    return listen((incoming, outgoing) => void listener(incoming, outgoing))
  },
  'Hono, mounted': async () => {
    const handler = await newHandler()
    const app = new Hono().mount('/kms', (request: Request, env: unknown) => handler(request, env))
    return `${await urlOf(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server)}/kms`
  },
  'Hono, as a route': async () => {
    const handler = await newHandler('/kms')
    const app = new Hono().all('/kms/*', async (context) => handler(context.req.raw, context.env))
    return `${await urlOf(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server)}/kms`
  },
  Express: async () => {
    const listener = nodeListener(await newHandler())
    const app = express().use('/kms', (request, response) => void listener(request, response))
    return `${await listen(app as RequestListener)}/kms`
  },
  Fastify: async () => {
    const listener = nodeListener(await newHandler())
    const app = fastify()
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    app.all('/v1/*', async (request, reply) => {
      reply.hijack()
      await listener(request.raw, reply.raw)
    })
    onTestFinished(async () => {
      app.server.closeAllConnections()
      await app.close()
    })
    return app.listen({ port: 0, host: '127.0.0.1' })
  },
  'a route handler of Next.js': async () => {
    const handler = await newHandler('/api/kms')
    // What Next.js looks up in route.ts, and calls with a second argument of its own. `rig:next` has Next.js itself do it.
    const routes: Readonly<Record<string, HttpHandler>> = {
      GET: handler,
      POST: handler,
      PUT: handler,
      PATCH: handler,
      DELETE: handler,
    }
    const fetch = async (request: Request): Promise<Response> =>
      (await routes[request.method]?.(request, { params: Promise.resolve({ path: [] }) })) ??
      new Response(null, { status: 405 })
    return `${await urlOf(serve({ fetch, port: 0, hostname: '127.0.0.1' }) as Server)}/api/kms`
  },
}

describe.each(Object.entries(ways))('Mounted in %s', (_, mount) => {
  test('the handler serves requests, streams, a tail, errors and pages', async () => {
    const url = await mount()
    await assertServed(url)
    expect((await fetch(`${url}/v1/nothing`)).status).toBe(404)
  })
})

test('a body that Express has parsed before is refused, in a stream too', async () => {
  const listener = nodeListener(await newHandler())
  const app = express().use(express.json(), express.raw({ type: '*/*' }))
  const url = await listen(app.use((request, response) => void listener(request, response)) as RequestListener)
  const headers = { authorization: 'Bearer x', 'chatelaine-request': Buffer.from('{"key":"a"}').toString('base64url') }
  for (const type of ['application/json', 'application/octet-stream']) {
    const answer = await fetch(`${url}/v1/crypto/encrypt`, {
      method: 'POST',
      headers: { ...headers, 'content-type': type },
      body: '{"key":"a","plaintext":""}',
    })
    expect(await answer.json()).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
  }
})
