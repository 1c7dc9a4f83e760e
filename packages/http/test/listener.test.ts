import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { HttpHandler } from '../src/index.ts'
import { nodeListener } from '../src/node.ts'

const answering = (answer: () => Promise<Response>): HttpHandler =>
  Object.assign(async () => answer(), { drain: () => undefined })

describe('A listener', () => {
  test('leaves the Request and the Response of everybody else as they are', () => {
    const own = { Request: class extends Request {}, Response: class extends Response {} }
    for (const [name, one] of Object.entries(own)) vi.stubGlobal(name, one)
    onTestFinished(() => void vi.unstubAllGlobals())
    nodeListener(answering(async () => new Response('')))
    expect({ Request: globalThis.Request, Response: globalThis.Response }).toEqual(own)
  })

  test('H111 a handler that throws is a failure of the server, of which its caller learns the id', async () => {
    const listener = nodeListener(
      answering(async () => {
        throw new Error('connection to postgres://kms:hunter2@db failed')
      }),
    )
    const server = createServer((incoming, outgoing) => void listener(incoming, outgoing)).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((done) => server.once('listening', done))
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/keys`)
    expect(answer.status).toBe(500)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const requestId = answer.headers.get('x-request-id')
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/)
    expect(await answer.json()).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: 'something went wrong',
      code: 'INTERNAL_ERROR',
      requestId,
    })
  })
})
