import type { Kms } from '@chatelaine/core'
import { remoteClient, type Transport } from '@chatelaine/core/remote'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createHttpHandler } from '../src/index.ts'
import { byToken, newHttpHouse, requestOf } from './support/house.ts'

describe('Streams', () => {
  test.each([
    ['a query', '?key=other', {}],
    ['an Idempotency-Key', '', { 'idempotency-key': 'once' }],
    ['an If-Match', '', { 'if-match': `"${'x'.repeat(22)}"` }],
  ])('H110 one with %s is refused: nothing is passed over', async (_, query, more) => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const headers = {
      'content-type': 'application/octet-stream',
      'chatelaine-request': Buffer.from('{"key":"orders"}').toString('base64url'),
    }
    const stream = async (place: string, given: object): Promise<number> =>
      (await ask('POST', `/v1/crypto/encrypt${place}`, { headers: { ...headers, ...given }, body: 'x' })).status
    expect(await stream('', {})).toBe(200)
    expect(await stream(query, more)).toBe(400)
  })
})

describe('What else a stream says', () => {
  const asked = Buffer.from('{"key":"orders"}').toString('base64url')

  test.each([
    ['something before it', `!${asked}`, 400],
    ['something in its midst', `${asked.slice(0, 4)} ${asked.slice(4)}`, 400],
    ['two headers of that kind', `${asked}, ${asked}`, 400],
    ['base64', Buffer.from('{"key":"orders","context":{"a":"???>>>"}}').toString('base64'), 400],
    ['a member twice', Buffer.from('{"key":"other","key":"orders"}').toString('base64url'), 400],
    ['no object', Buffer.from('["orders"]').toString('base64url'), 400],
    ['nothing', '', 400],
    ['base64url with its padding', `${asked}==`, 200],
    ['base64url', asked, 200],
  ])('H110 in %s is %i', async (_, header, status) => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const headers = { 'content-type': 'application/octet-stream', 'chatelaine-request': header }
    expect((await ask('POST', '/v1/crypto/encrypt', { headers, body: 'x' })).status).toBe(status)
  })
})

describe('The body of a stream', () => {
  const headers = {
    'content-type': 'application/octet-stream',
    'chatelaine-request': Buffer.from('{"key":"orders"}').toString('base64url'),
  }

  test('H109 that is shorter than its length is no message', async () => {
    const { handler, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const told = { ...headers, 'content-length': '4', accept: 'application/vnd.chatelaine.frames' }
    const short = await handler(requestOf('POST', '/v1/crypto/encrypt', { headers: told, body: 'abc' }))
    expect((await short.text()).slice(-300)).toMatch(/"code":"[A-Z_]+"/)
    const whole = await handler(requestOf('POST', '/v1/crypto/encrypt', { headers: told, body: 'abcd' }))
    expect((await whole.text()).slice(-300)).toMatch(/\{\}$/)
  })

  test('H109 that was read before is refused, and not taken for an empty one', async () => {
    const { handler, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const request = requestOf('POST', '/v1/crypto/encrypt', { headers, body: 'abc' })
    await request.text()
    expect((await handler(request)).status).toBe(400)
    const parsed = requestOf('POST', '/v1/crypto/encrypt', { headers, body: '' })
    expect((await handler(parsed, { incoming: { readableDidRead: true } })).status).toBe(400)
    expect((await handler(requestOf('POST', '/v1/crypto/encrypt', { headers, body: '' }))).status).toBe(200)
  })

  test('H109 that somebody else is reading is refused', async () => {
    const { handler, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const request = requestOf('POST', '/v1/crypto/encrypt', { headers, body: 'abc' })
    request.body?.getReader()
    expect((await handler(request)).status).toBeGreaterThanOrEqual(400)
  })
})

describe('A stream', () => {
  const headers = {
    'content-type': 'application/octet-stream',
    'chatelaine-request': Buffer.from('{"key":"orders"}').toString('base64url'),
    accept: 'application/vnd.chatelaine.frames',
  }

  test('H109 whose body is compressed is refused', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const more = { ...headers, 'content-encoding': 'gzip' }
    expect((await ask('POST', '/v1/crypto/encrypt', { headers: more, body: 'x' })).status).toBe(415)
  })

  test('H109 whose body stands still ends, and says so', async () => {
    const { handler, kms } = await newHttpHouse({ patienceMs: 20 })
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(100_000)) })
    const answer = await handler(requestOf('POST', '/v1/crypto/encrypt', { headers, body }))
    expect(answer.status).toBe(200)
    expect((await answer.text()).slice(-300)).toMatch(/"code":"[A-Z_]+"/)
    const { items } = await kms.audit.list({ action: 'encrypt' })
    expect(items.map(({ status }) => status)).toEqual(['SUCCESS', 'FAILURE'])
  })

  test('H115 that its client leaves ends, and is recorded', async () => {
    const { handler, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(100_000)) })
    const answer = await handler(requestOf('POST', '/v1/crypto/encrypt', { headers, body }))
    const before = performance.now()
    await answer.body?.cancel(new Error('the client left'))
    const statuses: string[] = []
    for await (const { action, status } of kms.audit.tail({ from: 0 })) {
      if (action === 'encrypt') statuses.push(status)
      if (statuses.length === 2) break
    }
    expect(statuses).toEqual(['SUCCESS', 'FAILURE'])
    // At once, and not when the library gives up a stream that stands still.
    expect(performance.now() - before).toBeLessThan(3000)
  })
})

describe('A tail', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is not read on for a client that left, nor when the handler drains', async () => {
    const signals: (AbortSignal | undefined)[] = []
    const tail: Transport['tail'] = (_, { signal }) => {
      signals.push(signal)
      return (async function* () {
        await new Promise<never>(() => undefined)
        yield* []
      })()
    }
    const kms = { as: () => remoteClient({ tail } as unknown as Transport) } as unknown as Kms
    const handler = createHttpHandler(kms, { authenticate: byToken })
    const follow = async (): Promise<Response> => handler(requestOf('GET', '/v1/audit/tail', {}))
    const [left, stayed] = [await follow(), await follow()]
    await left.body?.cancel()
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, false])
    handler.drain()
    expect(signals.map((signal) => signal?.aborted)).toEqual([true, true])
    await stayed.body?.cancel()
  })

  test('goes on after the last event that its client had, wherever it asked to begin', async () => {
    const { handler, kms } = await newHttpHouse()
    for (const name of ['a', 'b', 'c']) await kms.keys.create({ name, spec: 'AES_256' })
    const first = async (path: string, more: Record<string, string>): Promise<string> => {
      const answer = await handler(requestOf('GET', path, { token: 'auditor', headers: more }))
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
      let text = ''
      while (!text.includes('data:')) text += (await reader?.read())?.value ?? ''
      await reader?.cancel()
      return /^id: (\d+)$/m.exec(text)?.[1] ?? ''
    }
    expect(await first('/v1/audit/tail?from=2', {})).toBe('2')
    expect(await first('/v1/audit/tail?from=0', { 'last-event-id': '1' })).toBe('2')
    for (const path of ['/v1/audit/tail?from=', '/v1/audit/tail?from=0x1', '/v1/audit/tail?from=1&to=2'])
      expect((await handler(requestOf('GET', path, { token: 'auditor' }))).status).toBe(400)
  })

  test('H110 that is asked for by HEAD is opened and recorded as by GET, and goes on for nobody', async () => {
    const { ask, handler, kms } = await newHttpHouse()
    const head = await ask('HEAD', '/v1/audit/tail', { token: 'auditor' })
    expect(head).toMatchObject({ status: 200, text: '' })
    expect(head.headers.get('content-type')).toBe('text/event-stream')
    expect(vi.getTimerCount()).toBe(0)
    expect((await ask('HEAD', '/v1/audit/tail', { token: 'billing' })).status).toBe(403)
    for (const name of ['idempotency-key', 'if-match'])
      expect((await ask('GET', '/v1/audit/tail', { token: 'auditor', headers: { [name]: 'x' } })).status).toBe(400)
    const followed = await handler(requestOf('GET', '/v1/audit/tail', { token: 'auditor' }))
    expect(vi.getTimerCount()).toBe(1)
    await followed.body?.cancel()
    expect(vi.getTimerCount()).toBe(0)
    expect((await kms.audit.list({ action: 'readAudit' })).items).toHaveLength(3)
  })
})
