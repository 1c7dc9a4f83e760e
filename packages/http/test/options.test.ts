import { InvalidRequestError } from '@chatelaine/core'
import { describe, expect, test } from 'vitest'
import { readHttpOptions } from '../src/options.ts'
import { newHttpHouse } from './support/house.ts'

const authenticate = (): undefined => undefined

describe('Options', () => {
  test('that nobody gives are the safe ones', () => {
    expect(readHttpOptions({ authenticate })).toMatchObject({
      maxBodyBytes: 1_048_576,
      patienceMs: 10_000,
      basePath: '',
      cors: undefined,
    })
  })

  test('H109 a body has 1 MiB, unless the host says otherwise', async () => {
    const { ask } = await newHttpHouse()
    const head = '{"key":"nothing","plaintext":{"text":"'
    const body = (length: number): string => `${head}${'a'.repeat(length - head.length - 3)}"}}`
    expect((await ask('POST', '/v1/crypto/encrypt', { body: body(1_048_576) })).status).toBe(404)
    expect((await ask('POST', '/v1/crypto/encrypt', { body: body(1_048_577) })).status).toBe(413)
  })

  test.each<[string, object]>([
    ['a limit that lets nothing in', { maxBodyBytes: 0 }],
    ['no limit', { maxBodyBytes: Infinity }],
    ['no patience', { patienceMs: 0 }],
    ['a base path that is a pattern', { basePath: '/:kms' }],
    ['a base path that ends with a slash', { basePath: '/kms/' }],
    ['no origins', { cors: { origins: [] } }],
    ['an option that there is not', { maxBodySize: 1 }],
  ])('with %s are refused', (_, given) => {
    expect(() => readHttpOptions({ authenticate, ...given })).toThrow(InvalidRequestError)
  })
})
