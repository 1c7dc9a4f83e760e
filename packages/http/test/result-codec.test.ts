import { InvalidRequestError, isKmsError } from '@chatelaine/core'
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { resultToJson } from '../src/wire/result-codec.ts'

/** Results as the library gives them: plain data with bytes, times, members that are not there, and errors. */
const result = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.constantFrom<unknown>(true, false, null, undefined),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.constant(new InvalidRequestError('it is "wrong"', [{ path: 'a', message: 'b' }])),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary' }), tie('value'), { maxKeys: 4 }),
  ),
})).value

/** What `JSON.stringify` makes of a result whose bytes and errors were replaced before. */
function replaced(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (isKmsError(value)) {
    const { name: _, requestId: __, ...said } = value.toJSON()
    return said
  }
  if (Array.isArray(value)) return value.map(replaced)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaced(member)]))
}

describe('The text of a result', () => {
  test.prop([fc.dictionary(fc.string(), result, { maxKeys: 5 })], { numRuns: 300 })(
    'is what JSON.stringify writes, byte by byte',
    (made) => {
      expect(resultToJson(made)).toBe(JSON.stringify(replaced(made)))
    },
  )
})
