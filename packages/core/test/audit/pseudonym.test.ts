import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Pseudonyms } from '../../src/audit/pseudonym.ts'
import { secretKey } from '../../src/crypto/secret-key.ts'
import { encodeContext } from '../../src/envelope/context.ts'

const bytes = Buffer.from('a secret of 32 bytes, as it is..', 'latin1')
const pseudonyms = (): Pseudonyms => new Pseudonyms(secretKey(Buffer.from(bytes)))
const ofContext = (context: Record<string, string>): readonly string[] => pseudonyms().ofContext(encodeContext(context))

const expected = (key: string, value: string): string =>
  createHmac('sha256', bytes)
    .update(`context\0${JSON.stringify([key, value])}`)
    .digest('hex')
    .slice(0, 32)

describe('pseudonyms of a context', () => {
  test('are the first 16 bytes of an HMAC over key and value together, one for each pair', () => {
    expect(ofContext({ table: 'customers', row: '42' })).toEqual([
      expected('row', '42'),
      expected('table', 'customers'),
    ])
    expect(ofContext({})).toEqual([])
  })

  test('are the same the second time, and for long values that are not kept', () => {
    const known = pseudonyms()
    for (const value of ['x', 'x'.repeat(300)]) {
      const context = encodeContext({ key: value })
      expect(known.ofContext(context)).toEqual([expected('key', value)])
      expect(known.ofContext(context)).toEqual([expected('key', value)])
    }
  })

  test('do not confuse where a key ends and its value begins', () => {
    expect(ofContext({ a: 'bc' })).not.toEqual(ofContext({ ab: 'c' }))
    expect(ofContext({ 'a","b': 'c' })).not.toEqual(ofContext({ a: 'b","c' }))
  })

  test('depend on the secret', () => {
    const other = new Pseudonyms(secretKey(Buffer.alloc(32, 7)))
    expect(other.ofContext(encodeContext({ a: 'b' }))).not.toEqual(ofContext({ a: 'b' }))
  })
})
