import { InvalidRequestError, type Kms } from '@chatelaine/core'
import { remoteClient, type Transport } from '@chatelaine/core/remote'
import { describe, expect, test } from 'vitest'
import { createHttpHandler } from '../src/index.ts'
import { byToken, newHttpHouse, requestOf } from './support/house.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('The handler', () => {
  test('encrypts and decrypts, with base64 in JSON', async () => {
    const { ask } = await newHttpHouse()
    const made = await ask('POST', '/v1/keys', { json: { name: 'orders', spec: 'AES_256' } })
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({ name: 'orders', state: 'Enabled', createdBy: 'boss' })
    const context = { row: '1' }
    const sealed = await ask('POST', '/v1/crypto/encrypt', { json: { key: 'orders', plaintext: base64('ä'), context } })
    expect(sealed.status).toBe(200)
    const opened = await ask('POST', '/v1/crypto/decrypt', { json: { ciphertext: sealed.json['ciphertext'], context } })
    expect(opened.json).toEqual({ plaintext: base64('ä'), keyId: made.json['id'], keyVersion: 1 })
  })

  test('takes a text for plaintext, and base64url for what was given out before', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const sealed = await ask('POST', '/v1/crypto/encrypt', { json: { key: 'orders', plaintext: { text: 'plain' } } })
    const url = Buffer.from(String(sealed.json['ciphertext']), 'base64').toString('base64url')
    const opened = await ask('POST', '/v1/crypto/decrypt', { json: { ciphertext: url } })
    expect(opened.json['plaintext']).toBe(base64('plain'))
  })

  test.each([
    ['plaintext that is not base64', { key: 'orders', plaintext: 'ä' }, 'plaintext'],
    ['plaintext in base64 that is not canonical', { key: 'orders', plaintext: 'YR==' }, 'plaintext'],
    ['a text with more beside it', { key: 'orders', plaintext: { text: 'a', extra: 1 } }, 'plaintext'],
    ['a number for plaintext', { key: 'orders', plaintext: 1 }, 'plaintext'],
    ['a member that nobody knows', { key: 'orders', plaintext: '', extra: 1 }, ''],
    ['an array for the body', [], ''],
  ])('refuses %s, names the place, and writes no record', async (_, json, path) => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const before = (await kms.ops.health()).chain?.size
    const answer = await ask('POST', '/v1/crypto/encrypt', { json })
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ code: 'INVALID_REQUEST', issues: [{ path }] })
    expect((await kms.ops.health()).chain?.size).toBe((before ?? 0) + 1)
  })

  test('records the request id that the caller gave, and answers with it', async () => {
    const { ask, kms } = await newHttpHouse()
    const answer = await ask('GET', '/v1/keys', { headers: { 'x-request-id': 'trace-1' } })
    expect(answer.headers.get('x-request-id')).toBe('trace-1')
    const { items } = await kms.audit.list({ action: 'listKeys' })
    expect(items).toMatchObject([{ requestId: 'trace-1', actor: 'boss' }])
  })

  test.each(['', 'has space', 'ü', 'x'.repeat(129), 'a\u0000'])(
    'makes a request id where %j is none',
    async (given) => {
      const { handler, kms } = await newHttpHouse()
      const request = requestOf('GET', '/v1/keys', {})
      Object.defineProperty(request, 'headers', {
        value: {
          get: (name: string) =>
            name === 'x-request-id' ? given : new Headers(requestOf('GET', '/', {}).headers).get(name),
        },
      })
      const id = (await handler(request)).headers.get('x-request-id')
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      expect((await kms.audit.list({ action: 'listKeys' })).items[0]?.requestId).toBe(id)
    },
  )

  test('H112 every answer says no-store and carries the headers of safety', async () => {
    const { ask } = await newHttpHouse()
    const calls = [
      ask('GET', '/v1/keys'),
      ask('GET', '/v1/nothing'),
      ask('GET', '/v1/keys', { token: '' }),
      ask('PUT', '/v1/keys', { json: [] }),
    ]
    for (const { headers } of await Promise.all(calls)) {
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('x-request-id')).not.toBeNull()
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('H112 a query is refused where a body belongs, so that no secret gets into a URL', async () => {
    const { ask } = await newHttpHouse()
    const answer = await ask('POST', '/v1/crypto/encrypt?plaintext=c2VjcmV0', { json: { key: 'a', plaintext: '' } })
    expect(answer).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } })
  })

  test.each([
    ['/v1/keys?limit=2&limit=3', 'limit'],
    ['/v1/keys?limit[]=2', 'the key that nobody knows'],
    ['/v1/keys?__proto__=2', '__proto__'],
    ['/v1/keys?limit=two', 'limit'],
    ['/v1/keys?limit=1e2', 'limit'],
    ['/v1/keys?limit=-1', 'limit'],
    ['/v1/keys?constructor=1', 'constructor'],
  ])('H110 refuses the query of %s', async (path) => {
    const { ask } = await newHttpHouse()
    expect(await ask('GET', path)).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } })
  })

  test.each([
    ['GET', '/v1/../v1/nothing', 404],
    ['GET', '/v1/keys/%2e%2e%2f%2e%2e%2fetc', 404],
    ['GET', '/v1/keys/..%5c..%5cetc', 400],
    ['GET', '/v1/keys/%00', 400],
    ['GET', '/v1/keys/%zz', 400],
    ['GET', '/v1/keys/a%0d%0aset-cookie:%20x', 400],
    ['GET', '//v1/keys', 404],
    ['GET', '/V1/KEYS', 404],
    ['GET', '/v1/keys/', 404],
    ['OPTIONS', '/v1/keys', 405],
    ['DELETE', '/v1/keys', 405],
    ['PATCH', '/v1/crypto/encrypt', 405],
    ['GET', '/v1/crypto/encrypt', 405],
    ['HEAD', '/v1/nothing', 404],
  ])('H110 %s %s is %i', async (method, path, status) => {
    const { ask } = await newHttpHouse()
    const answer = await ask(method, path)
    expect(answer.status).toBe(status)
    if (status === 405) expect(answer.headers.get('allow')).toMatch(/GET|POST/)
  })

  test('H110 a method in a header or in the body overrides nothing', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await ask('GET', '/v1/keys/orders', {
      headers: { 'x-http-method-override': 'PATCH', 'x-method-override': 'DELETE' },
    })
    expect((await kms.keys.get({ key: 'orders' })).state).toBe('Enabled')
  })

  test('a HEAD is answered as a GET, without its body', async () => {
    const { ask } = await newHttpHouse()
    expect(await ask('HEAD', '/v1/keys')).toMatchObject({ status: 200, text: '' })
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', '', 'application/jsonp'])(
    'a body of type %j is refused, also an empty one: no form of another origin gets in',
    async (type) => {
      const { ask, kms } = await newHttpHouse()
      await kms.keys.create({ name: 'orders', spec: 'AES_256' })
      const answer = await ask('POST', '/v1/keys/orders/disable', { headers: { 'content-type': type }, body: '' })
      expect(answer).toMatchObject({ status: 415, json: { code: 'UNSUPPORTED_MEDIA_TYPE' } })
      expect((await kms.keys.get({ key: 'orders' })).state).toBe('Enabled')
    },
  )

  test('H111 an error says what the library says, and neither stack nor storage nor state', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.keys.disable({ key: 'orders' })
    const [real, unreal] = await Promise.all(
      ['orders', 'nothing'].map((key) =>
        ask('POST', '/v1/crypto/encrypt', { token: 'billing', json: { key, plaintext: '' } }),
      ),
    )
    const { requestId: _, ...said } = real?.json ?? {}
    const { requestId: __, ...saidOfNothing } = unreal?.json ?? {}
    expect(said).toEqual({
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: 'this principal may not do this',
      code: 'ACCESS_DENIED',
      retryable: false,
    })
    expect(saidOfNothing).toEqual(said)
    expect(real?.headers.get('content-type')).toBe('application/problem+json')
  })

  test('H111 what nobody expected says nothing, and is told to the host alone', async () => {
    const told: unknown[] = []
    const secret = new Error('connection to postgres://kms:hunter2@db failed')
    const broken = remoteClient({
      call: async () => {
        throw secret
      },
    } as unknown as Transport)
    const onError = (error: unknown): number => told.push(error)
    const handler = createHttpHandler({ as: () => broken } as unknown as Kms, { authenticate: byToken, onError })
    const answer = await handler(requestOf('GET', '/v1/keys', {}))
    expect(answer.status).toBe(500)
    const { requestId: _, ...said } = (await answer.json()) as Record<string, unknown>
    expect(said).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: 'something went wrong',
      code: 'INTERNAL_ERROR',
    })
    expect(told).toEqual([secret])
  })

  test('H111 a code that is newer than this adapter is a failure of the server, never a success', async () => {
    const newer = new InvalidRequestError('said by a later version')
    Object.defineProperty(newer, 'code', { value: 'TOO_NEW' })
    const call = async (): Promise<never> => {
      throw newer
    }
    const client = remoteClient({ call } as unknown as Transport)
    const handler = createHttpHandler({ as: () => client } as unknown as Kms, { authenticate: byToken })
    const answer = await handler(requestOf('GET', '/v1/keys', {}))
    expect(answer.status).toBe(500)
    expect(await answer.json()).toMatchObject({ status: 500, title: 'Internal Server Error', code: 'TOO_NEW' })
  })

  test('a KMS that is closed answers 503', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.close()
    expect(await ask('GET', '/v1/keys')).toMatchObject({ status: 503, json: { code: 'CLOSED' } })
  })
})
