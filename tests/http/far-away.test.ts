import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { KmsClient } from '@chatelaine/core'
import { createHttpClient } from '@chatelaine/http/client'
import { describe, expect, onTestFinished, test } from 'vitest'

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise((done) => server.once('listening', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An address at which nobody listens. */
async function nowhere(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return `http://127.0.0.1:${port}`
}

const clientOf = (url: string): KmsClient => createHttpClient({ url, headers: { authorization: 'Bearer secret' } })

describe('A client', () => {
  test('follows nobody elsewhere: what proves who asks goes to its server alone', async () => {
    const reached: unknown[] = []
    const other = await serve((incoming, outgoing) => {
      reached.push(incoming.headers.authorization)
      outgoing.setHeader('content-type', 'application/json').end('{"items":[]}')
    })
    const url = await serve((incoming, outgoing) =>
      outgoing.writeHead(307, { location: `${other}${incoming.url ?? ''}` }).end(),
    )
    const answered = { code: 'AUDIT_UNAVAILABLE', outcome: 'unknown' }
    await expect(clientOf(url).keys.list()).rejects.toMatchObject(answered)
    await expect(clientOf(url).encrypt({ key: 'a', plaintext: 'x' })).rejects.toMatchObject(answered)
    expect(reached).toEqual([])
  })

  test('knows that nothing was done where nothing was sent, and not where an answer is missing', async () => {
    const url = await serve((incoming) => void incoming.socket.destroy())
    const revoke = async (at: string): Promise<unknown> => clientOf(at).keys.revoke({ key: 'a', reason: 'lost' })
    await expect(revoke(url)).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE', outcome: 'unknown' })
    await expect(revoke(await nowhere())).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE', outcome: 'none' })
  })

  test.each<[string, { status: number; text: string }, object]>([
    ['a page of a proxy', { status: 200, text: '<html>' }, { code: 'AUDIT_UNAVAILABLE', outcome: 'unknown' }],
    ['a failure of a proxy', { status: 502, text: '<html>' }, { code: 'AUDIT_UNAVAILABLE', outcome: 'unknown' }],
    [
      'a code that nobody knows',
      { status: 400, text: '{"code":"X"}' },
      { code: 'AUDIT_UNAVAILABLE', outcome: 'unknown' },
    ],
    [
      'who is not known',
      { status: 401, text: '{"code":"UNAUTHENTICATED","detail":"no"}' },
      { code: 'ACCESS_DENIED', message: 'no' },
    ],
    ['half of an answer', { status: 200, text: '{"items":[' }, { code: 'AUDIT_UNAVAILABLE', outcome: 'unknown' }],
  ])('takes %s for no answer of the library', async (_, { status, text }, expected) => {
    const url = await serve((_incoming, outgoing) => outgoing.writeHead(status).end(text))
    await expect(clientOf(url).keys.list()).rejects.toMatchObject(expected)
  })

  test.each(['no address', 'ftp://kms.test', 'http://a:b@kms.test', 'http://kms.test/?a=b', 'http://kms.test/#a'])(
    'of %s is refused',
    (url) => {
      expect(() => createHttpClient({ url })).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }))
    },
  )
})
