import type { Kms } from '@chatelaine/core'
import { remoteClient, type Transport } from '@chatelaine/core/remote'
import { describe, expect, test } from 'vitest'
import { createHttpHandler } from '../src/index.ts'
import { byToken, newHttpHouse, requestOf } from './support/house.ts'

describe('Bytes of a request and of its result', () => {
  test.each([true, false])('are overwritten when it is answered: it succeeds %s', async (succeeds) => {
    const seen: { plaintext?: Uint8Array } = {}
    const result = { ciphertext: Buffer.from('sealed'), keyId: 'k', keyVersion: 1 }
    const call: Transport['call'] = async (_, request) => {
      seen.plaintext = (request as { plaintext: Uint8Array }).plaintext
      expect(Buffer.from(seen.plaintext).toString()).toBe('secret')
      if (!succeeds) throw new Error('no')
      return result
    }
    const client = remoteClient({ call } as unknown as Transport)
    const handler = createHttpHandler({ as: () => client } as unknown as Kms, { authenticate: byToken })
    const json = { key: 'k', plaintext: Buffer.from('secret').toString('base64') }
    const answer = await handler(requestOf('POST', '/v1/crypto/encrypt', { json }))
    expect(answer.status).toBe(succeeds ? 200 : 500)
    expect([...(seen.plaintext ?? [1])].every((byte) => byte === 0)).toBe(true)
    if (!succeeds) return
    expect(await answer.json()).toEqual({ ...result, ciphertext: Buffer.from('sealed').toString('base64') })
    expect(result.ciphertext.every((byte) => byte === 0)).toBe(true)
  })

  test.each([0, 2000])(
    'the body is overwritten, or given back, when it was read, valid or not: of %i bytes more',
    async (more) => {
      const house = await newHttpHouse()
      for (const start of ['{"numberOfBytes":8', '{"numberOfBytes":']) {
        const bytes = Buffer.from(`${start}${' '.repeat(more)}}`)
        const body = new ArrayBuffer(bytes.byteLength)
        bytes.copy(new Uint8Array(body))
        const headers = { 'content-length': String(bytes.byteLength) }
        const request = requestOf('POST', '/v1/crypto/random', { headers })
        Object.defineProperty(request, 'arrayBuffer', { value: async () => body })
        expect((await house.handler(request)).status).toBe(start.endsWith('8') ? 200 : 400)
        expect(body.detached).toBe(more > 0)
        expect([...(more > 0 ? [] : new Uint8Array(body))].every((byte) => byte === 0)).toBe(true)
      }
    },
  )
})
