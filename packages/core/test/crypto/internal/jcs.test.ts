import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { integer, jcs, type Json } from '../../../src/internal/jcs.ts'
import { readForeign, readForeignText, titleOf, whyWithout } from '../../support/envelope-vectors.ts'

const vectors = ['arrays', 'french', 'structures', 'unicode', 'values', 'weird']

describe('JCS (RFC 8785)', () => {
  for (const name of vectors) {
    const why = whyWithout(`rfc8785-jcs/input/${name}.json`)
    it(titleOf(`canonicalizes the vector ${name}`, why), (ctx) => {
      if (why !== undefined) ctx.skip(why)
      const text = jcs(readForeign<Json>(`rfc8785-jcs/input/${name}.json`))
      expect(text).toBe(readForeignText(`rfc8785-jcs/output/${name}.json`))
      const hex = readForeignText(`rfc8785-jcs/outhex/${name}.txt`).replaceAll(/\s/g, '')
      expect(Buffer.from(text, 'utf8').toString('hex')).toBe(hex)
    })
  }

  it('orders keys by UTF-16 code units, also below other keys', () => {
    expect(jcs({ b: { '\u{10000}': 1, '\uffff': 2 }, a: [{ 10: 1, 9: 2 }] })).toBe(
      '{"a":[{"10":1,"9":2}],"b":{"\u{10000}":1,"\uffff":2}}',
    )
  })

  it('writes literals, integers and empty things as they are', () => {
    expect(jcs([null, true, false, 0, -0, -1, 9007199254740991, '', {}, []])).toBe(
      '[null,true,false,0,0,-1,9007199254740991,"",{},[]]',
    )
  })

  it.each([NaN, Infinity, -Infinity])('refuses the number %d', (number) => {
    expect(() => jcs([number])).toThrow(new TypeError('JCS cannot express a number that is not finite'))
  })

  it.each([0.5, NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53), 1e21])(
    'refuses the number %d, however deep, where only integers may stand',
    (number) => {
      const refusal = new TypeError('only safe integers are canonical here')
      expect(() => jcs(number, integer)).toThrow(refusal)
      expect(() => jcs([{ a: [number] }], integer)).toThrow(refusal)
    },
  )

  it('refuses a lone surrogate, as value and as key', () => {
    expect(() => jcs('\ud800')).toThrow(new TypeError('JCS cannot express a lone surrogate'))
    expect(() => jcs({ '\udfff': 1 })).toThrow(new TypeError('JCS cannot express a lone surrogate'))
  })

  it.each([[undefined], [1n], [Symbol('s')], [() => 1]])('refuses what JSON has no word for: %s', (value) => {
    expect(() => jcs(value as unknown as Json)).toThrow(new TypeError(`JCS cannot express a ${typeof value}`))
    expect(() => jcs({ a: [value as unknown as Json] })).toThrow(TypeError)
  })

  const leaf = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'binary', maxLength: 6 }),
  )
  const { value: tree } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.string({ unit: 'binary', maxLength: 3 }), tie('value'), { maxKeys: 4 }),
    ) as fc.Arbitrary<Json>,
  }))

  test.prop([tree], { numRuns: 60 })('says the same as the value, and always in the same way', (value) => {
    const text = jcs(value)
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
    expect(jcs(JSON.parse(text) as Json)).toBe(text)
  })
})
