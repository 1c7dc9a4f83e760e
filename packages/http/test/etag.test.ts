import { describe, expect, test } from 'vitest'
import { newHttpHouse } from './support/house.ts'

describe('Tags', () => {
  test('a key has a tag, by which it is not sent again until it changes', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const etag = (await ask('GET', '/v1/keys/orders')).headers.get('etag') ?? ''
    const known = { headers: { 'if-none-match': etag } }
    expect(await ask('GET', '/v1/keys/orders', known)).toMatchObject({ status: 304, text: '' })
    const changed = await ask('PATCH', '/v1/keys/orders', { json: { description: 'x' } })
    expect(changed.headers.get('etag')).not.toBe(etag)
    const again = await ask('GET', '/v1/keys/orders', known)
    expect(again.status).toBe(200)
    expect(again.headers.get('etag')).toBe(changed.headers.get('etag'))
  })
})
