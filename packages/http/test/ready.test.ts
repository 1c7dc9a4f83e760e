import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { newHttpHouse } from './support/house.ts'

describe('Readiness', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is open to everybody, and asks for one record in five seconds', async () => {
    const { ask, kms } = await newHttpHouse()
    const health = async (): Promise<number> => (await kms.audit.list({ action: 'health' })).items.length
    const isReady = async (): Promise<unknown> => (await ask('GET', '/v1/readyz', { token: '' })).json
    for (let i = 0; i < 3; i++) expect(await isReady()).toEqual({ status: 'ready' })
    expect(await health()).toBe(1)
    vi.advanceTimersByTime(5001)
    expect(await isReady()).toEqual({ status: 'ready' })
    expect(await health()).toBe(2)
  })

  test('ends where records cannot be written', async () => {
    const { ask, kms } = await newHttpHouse()
    const health = await kms.ops.health()
    const found = vi.spyOn(kms.ops, 'health')
    found.mockResolvedValueOnce({ ...health, recorded: false })
    expect(await ask('GET', '/v1/readyz')).toMatchObject({ status: 503, json: { status: 'not ready' } })
    vi.advanceTimersByTime(5001)
    found.mockRejectedValueOnce(new Error('no'))
    expect((await ask('GET', '/v1/readyz')).status).toBe(503)
    vi.advanceTimersByTime(5001)
    expect((await ask('GET', '/v1/readyz')).status).toBe(200)
  })

  test('ends when the handler drains, which still answers who asks', async () => {
    const { ask, handler } = await newHttpHouse()
    expect((await ask('GET', '/v1/readyz')).status).toBe(200)
    handler.drain()
    expect((await ask('GET', '/v1/readyz')).status).toBe(503)
    expect((await ask('GET', '/v1/keys')).status).toBe(200)
  })
})
