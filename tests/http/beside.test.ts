import { describe, expect, test } from 'vitest'
import { newHouse, requestOf, type Asked } from './asking.ts'
import { good } from './good.ts'
import { documented, faultOf, operations, type DocumentedOperation } from './schemas.ts'

const named = (name: string): DocumentedOperation => {
  const found = documented.find(({ operationId }) => operationId === name)
  if (found === undefined) throw new Error(`${name} is not documented`)
  return found
}

describe('What the document says besides requests and results', () => {
  test('a name that was used for something else is a conflict, of every operation that takes one', async () => {
    const { kms, handler } = await newHouse()
    const prepared = await good(kms)
    const more = { 'idempotency-key': 'used' }
    const create = { ...(await prepared['createKey']?.()), more }
    expect((await handler(requestOf(named('createKey'), create))).status).toBe(201)
    const once = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'Idempotency-Key'))
    expect(once.length).toBeGreaterThan(20)
    for (const operation of once) {
      const isFirst = operation.operationId === 'createKey'
      const other = isFirst ? { body: { name: 'another', spec: 'AES_256' } } : await prepared[operation.operationId]?.()
      const asked = { ...other, more }
      const answer = await handler(requestOf(operation, asked))
      expect([operation.operationId, answer.status]).toEqual([operation.operationId, 409])
      expect(await faultOf(operation, answer)).toBeUndefined()
    }
  })

  test('a key that is known is not sent again, and one that has changed is not changed', async () => {
    const { kms, handler } = await newHouse()
    const prepared = await good(kms)
    const known = await handler(requestOf(named('describeKey'), { more: { 'if-none-match': '*' } }))
    expect(known.status).toBe(304)
    expect(await faultOf(named('describeKey'), known)).toBeUndefined()
    const conditional = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'If-Match'))
    expect(conditional.length).toBeGreaterThan(8)
    for (const operation of conditional) {
      const asked = { ...(await prepared[operation.operationId]?.()), more: { 'if-match': `"${'x'.repeat(22)}"` } }
      const answer = await handler(requestOf(operation, asked))
      expect([operation.operationId, answer.status]).toEqual([operation.operationId, 412])
      expect(await faultOf(operation, answer)).toBeUndefined()
    }
  })

  test('bodies of bytes, their header, and the type of what comes back', async () => {
    const { kms, handler } = await newHouse()
    await good(kms)
    const sealed = await kms.encrypt({ key: 'orders', plaintext: 'x', envelope: 'wrapped' })
    const streams = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'Chatelaine-Request'))
    expect(streams.map(({ operationId }) => operationId).toSorted()).toEqual(['decrypt', 'encrypt', 'reEncrypt'])
    for (const operation of streams) {
      const said = operation.operationId === 'encrypt' ? { key: 'orders' } : {}
      const header = Buffer.from(JSON.stringify(said)).toString('base64url')
      for (const accept of ['*/*', 'application/vnd.chatelaine.frames']) {
        const headers = { authorization: 'admin', accept, 'content-type': 'application/octet-stream' }
        const request = new Request(`http://kms.test${operation.path}`, {
          method: 'POST',
          headers: { ...headers, 'chatelaine-request': header },
          body: sealed.ciphertext,
        })
        const answer = await handler(request)
        expect(answer.status).toBe(200)
        expect(operation.responses['200']?.content).toHaveProperty([answer.headers.get('content-type') ?? ''])
        await answer.arrayBuffer()
      }
    }
  })

  test('the log as it grows, and whoever may not follow it', async () => {
    const { handler, unexpected } = await newHouse()
    const tail = named('tailAudit')
    const ask = async (asked: Asked, who?: string): Promise<Response> => handler(requestOf(tail, asked, who))
    for (const asked of [{}, { query: { from: 0 } }, { query: { from: 0 }, more: { 'last-event-id': '0' } }]) {
      const answer = await ask(asked, 'auditor')
      expect(answer.status).toBe(200)
      expect(tail.responses['200']?.content).toHaveProperty([answer.headers.get('content-type') ?? ''])
      await answer.body?.cancel()
    }
    const wrong: [Asked, string, number][] = [
      [{ query: { from: -1 } }, 'admin', 400],
      [{ query: { from: 'x' } }, 'admin', 400],
      [{ query: { to: 1 } }, 'admin', 400],
      [{ query: { from: 0, to: 1 } }, 'admin', 400],
      [{ more: { 'last-event-id': '1e3' } }, 'admin', 400],
      [{ query: { plaintext: 'x' }, more: { 'last-event-id': '0' } }, 'admin', 400],
      [{ query: { from: 'x' }, more: { 'last-event-id': '0' } }, 'admin', 400],
      [{}, 'nobody', 401],
      [{}, 'service', 403],
    ]
    for (const [asked, who, status] of wrong) {
      const answer = await ask(asked, who)
      expect(answer.status).toBe(status)
      expect(await faultOf(tail, answer)).toBeUndefined()
    }
    expect(unexpected).toEqual([])
  })
})
