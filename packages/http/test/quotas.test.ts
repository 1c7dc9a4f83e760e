import { describe, expect, test } from 'vitest'
import { newHttpHouse } from './support/house.ts'

describe('Stored quotas', () => {
  test('what is asked too often is 429, with when to come again, and nothing is done', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.quotas.set({ operation: 'createKey', per: 'tenant', limit: 1, windowSeconds: 3600 })
    expect((await ask('POST', '/v1/keys', { json: { name: 'a', spec: 'AES_256' } })).status).toBe(201)
    const refused = await ask('POST', '/v1/keys', { json: { name: 'b', spec: 'AES_256' } })
    expect(refused).toMatchObject({ status: 429, json: { code: 'QUOTA_EXCEEDED', retryable: true } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3500)
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(3600)
    expect((await kms.keys.list()).items).toHaveLength(1)
  })
})
