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

  test('H114 a quota of each principal stops one of them, and no other', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['rotateKey'] })
    await kms.quotas.set({ operation: 'rotateKey', per: 'principal', limit: 1, windowSeconds: 3600 })
    const rotate = async (token: string): Promise<number> =>
      (await ask('POST', '/v1/keys/orders/rotate', { token, json: {} })).status
    expect([await rotate('billing'), await rotate('billing'), await rotate('admin')]).toEqual([200, 429, 200])
  })

  test('H114 what a principal decrypted, one by one or many at a time, is counted for each message', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['decrypt'] })
    const sealed = await kms.encrypt({ key: 'orders', plaintext: 'x' })
    const ciphertext = Buffer.from(sealed.ciphertext).toString('base64')
    const items = Array.from({ length: 50 }, () => ({ ciphertext }))
    expect((await ask('POST', '/v1/crypto/decrypt-many', { token: 'billing', json: { items } })).status).toBe(200)
    expect((await ask('POST', '/v1/crypto/decrypt', { token: 'billing', json: { ciphertext } })).status).toBe(200)
    const { json } = await ask('POST', '/v1/ops/usage', { json: { principal: 'billing' } })
    expect(json).toMatchObject({ operations: { decrypt: { calls: 2, items: { succeeded: 51, failed: 0 } } } })
  })
})
