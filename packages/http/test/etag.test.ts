import { keyTag } from '@chatelaine/core'
import { describe, expect, test } from 'vitest'
import { newHttpHouse } from './support/house.ts'

describe('Tags', () => {
  test('a key has a tag, by which it is not sent again until it changes', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const etag = (await ask('GET', '/v1/keys/orders')).headers.get('etag') ?? ''
    const known = { headers: { 'if-none-match': etag } }
    expect(await ask('GET', '/v1/keys/orders', known)).toMatchObject({ status: 304, text: '' })
    for (const tags of [`W/${etag}`, `"x", ${etag}`, '*']) {
      expect(await ask('GET', '/v1/keys/orders', { headers: { 'if-none-match': tags } })).toMatchObject({ status: 304 })
    }
    const changed = await ask('PATCH', '/v1/keys/orders', { json: { description: 'x' } })
    expect(changed.headers.get('etag')).not.toBe(etag)
    const again = await ask('GET', '/v1/keys/orders', known)
    expect(again.status).toBe(200)
    expect(again.headers.get('etag')).toBe(changed.headers.get('etag'))
  })

  test('a key is changed only while it has the tag that If-Match names', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const etag = (await ask('GET', '/v1/keys/orders')).headers.get('etag') ?? ''
    expect(etag).toBe(`"${keyTag(await kms.keys.get({ key: 'orders' }))}"`)
    const change = async (tag: string, description: string): Promise<unknown> =>
      ask('PATCH', '/v1/keys/orders', { headers: { 'if-match': tag }, json: { description } })
    expect(await change(etag, 'one')).toMatchObject({ status: 200, json: { description: 'one' } })
    expect(await change(etag, 'two')).toMatchObject({ status: 412, json: { code: 'PRECONDITION_FAILED' } })
    expect(await change('*', 'three')).toMatchObject({ status: 200 })
    for (const tag of [`W/${etag}`, `${etag}, ${etag}`, 'x', '', '""', `"${'x'.repeat(23)}"`]) {
      expect(await change(tag, 'four')).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } })
    }
    expect(await kms.keys.get({ key: 'orders' })).toMatchObject({ description: 'three' })
    const read = await ask('GET', '/v1/keys/orders', { headers: { 'if-match': etag } })
    expect(read).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } })
  })

  test('what may be done only where there is nothing yet is refused: no change takes that condition', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const headers = { 'if-none-match': '*' }
    const bytes = { headers: { ...headers, 'content-type': 'application/octet-stream' }, body: 'a' }
    for (const answer of [
      await ask('PUT', '/v1/keys/orders', { headers, json: { spec: 'AES_256' } }),
      await ask('PUT', '/v1/keys/other', { headers, json: { spec: 'AES_256' } }),
      await ask('POST', '/v1/keys/orders/disable', { headers }),
      await ask('DELETE', '/v1/quotas/createKey?name=x', { headers }),
      await ask('POST', '/v1/crypto/encrypt', bytes),
    ]) {
      expect(answer).toMatchObject({ status: 400, json: { code: 'INVALID_REQUEST' } })
      expect(answer.text).toContain('If-None-Match')
    }
    expect((await kms.keys.list()).items).toMatchObject([{ name: 'orders', state: 'Enabled' }])
    expect(await ask('HEAD', '/v1/keys/orders', { headers })).toMatchObject({ status: 304 })
    expect(await ask('GET', '/v1/keys', { headers })).toMatchObject({ status: 200 })
  })
})
