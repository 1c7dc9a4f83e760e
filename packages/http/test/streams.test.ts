import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { newHttpHouse, requestOf } from './support/house.ts'

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

describe('A tail', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('H110 that is asked for by HEAD is opened and recorded as by GET, and goes on for nobody', async () => {
    const { ask, handler, kms } = await newHttpHouse()
    const head = await ask('HEAD', '/v1/audit/tail', { token: 'auditor' })
    expect(head).toMatchObject({ status: 200, text: '' })
    expect(head.headers.get('content-type')).toBe('text/event-stream')
    expect(vi.getTimerCount()).toBe(0)
    expect((await ask('HEAD', '/v1/audit/tail', { token: 'billing' })).status).toBe(403)
    const followed = await handler(requestOf('GET', '/v1/audit/tail', { token: 'auditor' }))
    expect(vi.getTimerCount()).toBe(1)
    await followed.body?.cancel()
    expect(vi.getTimerCount()).toBe(0)
    expect((await kms.audit.list({ action: 'readAudit' })).items).toHaveLength(3)
  })
})
