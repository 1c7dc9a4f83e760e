import assert from 'node:assert/strict'
import { ReadableStream } from 'node:stream/web'
import { createHttpClient } from '@chatelaine/http/client'

/** Whether a handler that knows `Bearer x` is served at an address: requests, streams, a tail, errors and pages. */
export async function assertServed(url: string): Promise<void> {
  const kms = createHttpClient({ url, headers: { authorization: 'Bearer x' } })
  const key = await kms.keys.create({ name: 'a/b', spec: 'AES_256' })
  const stored = await key.encryptText('ä', { context: { row: '1' } })
  assert.equal(await kms.decryptText({ ciphertext: stored, context: { row: '1' } }), 'ä')
  await assert.rejects(kms.decryptText({ ciphertext: stored }), { code: 'INVALID_CIPHERTEXT' })
  const chunks: Uint8Array[] = []
  const source = ReadableStream.from([Buffer.alloc(100_000, 1), Buffer.alloc(100_000, 2)])
  for await (const chunk of source.pipeThrough(kms.encryptStream({ key: 'a/b' }))) chunks.push(chunk)
  assert.equal((await kms.decrypt({ ciphertext: Buffer.concat(chunks) })).plaintext.length, 200_000)
  const tail = kms.audit.tail({ from: 1 })
  assert.equal((await tail.next()).value?.action, 'createKey')
  await tail.return(undefined)
  const read = async (path: string): Promise<Response> => fetch(`${url}/v1/${path}`)
  assert.equal((await read('keys')).status, 401)
  assert.deepEqual(await (await read('healthz')).json(), { status: 'ok' })
  assert.deepEqual(await (await read('readyz')).json(), { status: 'ready' })
  assert.equal(((await (await read('openapi.json')).json()) as { openapi: string }).openapi, '3.1.1')
  const page = await read('reference')
  const policy = page.headers.get('content-security-policy')
  assert.equal(policy, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
  assert.ok((await page.text()).includes('/v1/crypto/encrypt'))
}
