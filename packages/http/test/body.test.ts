import { describe, expect, test } from 'vitest'
import { newHttpHouse } from './support/house.ts'

describe('A body', () => {
  test('H109 a compressed body is not unpacked', async () => {
    const { ask } = await newHttpHouse()
    const answer = await ask('POST', '/v1/crypto/encrypt', { headers: { 'content-encoding': 'gzip' }, body: 'bomb' })
    expect(answer.status).toBe(415)
  })

  test('H109 a body over the limit is refused, whether it says its length or not', async () => {
    const { ask } = await newHttpHouse({ maxBodyBytes: 2048 })
    const json = { key: 'a', plaintext: 'A'.repeat(4096) }
    const told = await ask('POST', '/v1/crypto/encrypt', { json, headers: { 'content-length': '4200' } })
    expect(told).toMatchObject({ status: 413, json: { code: 'LIMIT_EXCEEDED' } })
    let pulled = 0
    const unread = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulled += 1
          controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    const headers = { 'content-length': '4200' }
    expect(await ask('POST', '/v1/crypto/encrypt', { body: unread, headers })).toMatchObject({ status: 413 })
    expect(pulled).toBe(0)
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1
        controller.enqueue(new Uint8Array(1024))
      },
      cancel: () => {
        cancelled = true
      },
    })
    expect(await ask('POST', '/v1/crypto/encrypt', { body: endless })).toMatchObject({ status: 413 })
    expect(pulled).toBeLessThan(10)
    expect(cancelled).toBe(true)
    const less = { json, headers: { 'content-length': '10' } }
    expect(await ask('POST', '/v1/crypto/encrypt', less)).toMatchObject({ status: 413 })
  })

  test('H109 a body of as many bytes as are allowed is read, whether it says its length or not', async () => {
    const { ask, kms } = await newHttpHouse({ maxBodyBytes: 1024 })
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const bodyOf = (length: number): string => JSON.stringify({ key: 'orders', plaintext: '' }).padEnd(length)
    const statusOf = async (body: string, headers: Record<string, string>): Promise<number> =>
      (await ask('POST', '/v1/crypto/encrypt', { body, headers })).status
    for (const [length, status] of [
      [1024, 200],
      [1025, 413],
    ] as const) {
      expect(await statusOf(bodyOf(length), {})).toBe(status)
      expect(await statusOf(bodyOf(length), { 'content-length': String(length) })).toBe(status)
    }
  })

  test.each(['', 'x', '-1', '1e3', '0x10', '10, 10'])(
    'H109 a body whose length is told as %j is read no further than any that tells none',
    async (length) => {
      const { ask } = await newHttpHouse({ maxBodyBytes: 2048 })
      let pulled = 0
      const long = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          pulled += 1
          if (pulled < 100) controller.enqueue(new Uint8Array(1024))
          else controller.close()
        },
      })
      const answer = await ask('POST', '/v1/crypto/encrypt', { body: long, headers: { 'content-length': length } })
      expect(answer).toMatchObject({ status: 413, json: { code: 'LIMIT_EXCEEDED' } })
      expect(pulled).toBeLessThan(10)
    },
  )

  test('H109 a body that does not come is given up', async () => {
    const { ask } = await newHttpHouse({ patienceMs: 20 })
    const slow = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(1)) })
    const answer = await ask('POST', '/v1/crypto/encrypt', { body: slow })
    expect(answer).toMatchObject({ status: 408, json: { code: 'REQUEST_TIMEOUT' } })
    expect(answer.headers.get('connection')).toBe('close')
  })

  test.each([{ 'content-length': '20' }, { 'transfer-encoding': 'chunked' }])(
    'H110 a body is refused where nothing is read of it: %j',
    async (headers) => {
      const { ask, kms } = await newHttpHouse()
      for (const per of ['tenant', 'principal'] as const)
        await kms.quotas.set({ name: per, operation: 'createKey', per, limit: 9, windowSeconds: 60 })
      const answer = await ask('DELETE', '/v1/quotas/createKey', { headers, json: { name: 'principal' } })
      expect(answer).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } })
      expect((await kms.quotas.list()).items).toHaveLength(2)
      const empty = { headers: { 'content-length': '0' } }
      expect((await ask('DELETE', '/v1/quotas/createKey?name=principal', empty)).status).toBe(200)
      expect((await kms.quotas.list()).items).toMatchObject([{ name: 'tenant' }])
    },
  )

  test('H110 does not say again what the path says', async () => {
    const { ask, kms } = await newHttpHouse()
    for (const name of ['orders', 'other']) await kms.keys.create({ name, spec: 'AES_256' })
    for (const key of ['other', 'orders'])
      expect((await ask('POST', '/v1/keys/orders/disable', { json: { key } })).status).toBe(400)
    expect((await ask('GET', '/v1/keys/orders?key=other')).status).toBe(400)
    const states = (await kms.keys.list()).items.map(({ state }) => state)
    expect(states).toEqual(['Enabled', 'Enabled'])
  })
})
