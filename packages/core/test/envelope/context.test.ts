import { runInNewContext } from 'node:vm'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { emptyContext, encodeContext } from '../../src/envelope/context.ts'
import { InvalidRequestError } from '../../src/errors.ts'
import { contexts } from '../support/envelope-arbitraries.ts'
import { encodePlainly, hexOf as hex, whyNot } from '../support/envelope-context.ts'

/** The same pairs in another order of insertion. */
const shuffled = (context: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(context).toReversed())

describe('the encoding of an encryption context', () => {
  it('is its count, then each key and value after its length', () => {
    expect(hex({ b: '2', a: 'xyz' })).toBe('000200016100037879' + '7a' + '0001620001' + '32')
    expect(hex({ é: '€' })).toBe('00010002c3a90003e282ac')
    expect(hex({ k: '' })).toBe('000100016b0000')
  })

  it('of nothing is two zeros', () => {
    for (const nothing of [undefined, {}, Object.create(null) as object]) {
      expect(encodeContext(nothing)).toBe(emptyContext)
      expect(hex(nothing)).toBe('0000')
    }
    expect(emptyContext.pairs).toEqual([])
  })

  test.prop([contexts])('is that of the specification, in whatever order the properties stand', (context) => {
    expect(encodeContext(context).bytes).toEqual(encodePlainly(context))
    expect(encodeContext(shuffled(context)).bytes).toEqual(encodePlainly(context))
    expect(Object.fromEntries(encodeContext(context).pairs)).toEqual(context)
  })

  test.prop([contexts, contexts])('A8 is the same for the same pairs only', (one, other) => {
    const sorted = (context: Record<string, string>): string =>
      JSON.stringify(Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    expect(hex(one) === hex(other)).toBe(sorted(one) === sorted(other))
  })

  it.each<[unknown, unknown]>([
    [{ a: 'bc' }, { ab: 'c' }],
    [{ a: 'b,c' }, { a: 'b', c: '' }],
    [
      { a: 'b', c: 'd' },
      { a: 'd', c: 'b' },
    ],
    [{ a: 'b\0\u0001c\0\u0001d' }, { a: 'b', c: 'd' }],
    [{ é: '' }, { 'e\u0301': '' }],
    [{ a: '' }, {}],
    [{ a: 'x ' }, { a: 'x' }],
    [{ A: 'x' }, { a: 'x' }],
  ])('A8 is not the same for %j and %j', (one, other) => {
    expect(hex(one)).not.toBe(hex(other))
  })

  it('A9 orders keys by their bytes: U+FFFF before U+10000, "10" before "9", however JavaScript orders them', () => {
    expect(encodeContext({ '\u{10000}': '', '\uffff': '' }).pairs.map(([key]) => key)).toEqual(['\uffff', '\u{10000}'])
    expect(encodeContext({ 9: '', b: '', 10: '', a: '' }).pairs.map(([key]) => key)).toEqual(['10', '9', 'a', 'b'])
    expect(encodeContext({ b: '', é: '', ab: '', a: '' }).pairs.map(([key]) => key)).toEqual(['a', 'ab', 'b', 'é'])
  })

  it('A9 takes NUL and names that objects have anyway', () => {
    const own = { 'a\0': '\0', constructor: 'c', toString: 't', hasOwnProperty: 'h', valueOf: 'v' }
    expect(Object.fromEntries(encodeContext(own).pairs)).toEqual(own)
    expect(hex({ 'a\0': '' })).not.toBe(hex({ a: '' }))
  })

  it('is taken from objects without prototype, frozen, or of another realm', () => {
    const bare = Object.assign(Object.create(null) as object, { a: 'b' })
    const foreign: unknown = runInNewContext('({ a: "b" })')
    for (const context of [bare, Object.freeze({ a: 'b' }), foreign, new Proxy({ a: 'b' }, {})]) {
      expect(hex(context)).toBe(hex({ a: 'b' }))
    }
  })

  it('A20 does not follow the object that it was made of', () => {
    const context: Record<string, string> = { a: 'b' }
    const encoded = encodeContext(context)
    context['a'] = 'c'
    context['d'] = 'e'
    expect(encoded.pairs).toEqual([['a', 'b']])
    expect(encoded.bytes.toString('hex')).toBe(hex({ a: 'b' }))
  })
})

describe('the limits of an encryption context', () => {
  const pairs = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`key ${at}`, 'v']))

  it('A9 are 64 pairs', () => {
    expect(encodeContext(pairs(64)).pairs).toHaveLength(64)
    expect(encodeContext(pairs(64)).bytes.readUInt16BE(0)).toBe(64)
    expect(whyNot(pairs(65))).toBe('it has more than 64 pairs')
  })

  it('A9 are keys of 1 to 256 bytes', () => {
    const why = 'a key is not 1 to 256 bytes long'
    expect(whyNot({ '': 'v' })).toBe(why)
    expect(encodeContext({ k: 'v' }).pairs).toHaveLength(1)
    expect(encodeContext({ ['k'.repeat(256)]: 'v' }).pairs).toHaveLength(1)
    expect(whyNot({ ['k'.repeat(257)]: 'v' })).toBe(why)
    expect(encodeContext({ ['é'.repeat(128)]: 'v' }).pairs).toHaveLength(1)
    expect(whyNot({ [`${'é'.repeat(128)}k`]: 'v' })).toBe(why)
  })

  it('A9 are values of 4,096 bytes', () => {
    const why = 'a value is longer than 4096 bytes'
    expect(encodeContext({ k: 'v'.repeat(4096) }).pairs).toHaveLength(1)
    expect(whyNot({ k: 'v'.repeat(4097) })).toBe(why)
    expect(whyNot({ k: '€'.repeat(1366) })).toBe(why)
    expect(encodeContext({ k: '€'.repeat(1365) }).pairs).toHaveLength(1)
  })

  it('A9 are 8,192 bytes in all', () => {
    const filled = (length: number): Record<string, string> => ({ a: 'v'.repeat(4096), b: 'v'.repeat(length) })
    expect(encodeContext(filled(4084)).bytes).toHaveLength(8192)
    expect(whyNot(filled(4085))).toBe('its encoding is longer than 8192 bytes')
  })

  test.prop([fc.anything({ withNullPrototype: true, withMap: true, withDate: true, withTypedArray: true })])(
    'A9 leave nothing over: whatever comes is encoded or refused',
    (anything) => {
      let encoded: Buffer
      try {
        encoded = encodeContext(anything).bytes
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidRequestError)
        return
      }
      expect(encoded).toEqual(encodePlainly((anything ?? {}) as Record<string, string>))
    },
  )
})
