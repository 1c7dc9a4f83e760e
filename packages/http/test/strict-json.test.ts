import { isKmsError } from '@chatelaine/core'
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { parseStrictJson } from '../src/strict-json.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const read = (text: string): unknown => parseStrictJson(bytesOf(text))
const refusal = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return isKmsError(error, 'INVALID_REQUEST') ? error.message : error
  }
}

/** Values as JSON may have them, of names that are allowed. */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: 'grapheme' }),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc.string({ unit: 'grapheme' }).filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 5 },
    ),
  ),
})).value

/** Texts that are nearly JSON. */
const nearly = fc
  .tuple(
    json,
    fc.nat(),
    fc.string({
      unit: fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', 'u', '0', ' ', 't', '1', 'e', '-', '.'),
    }),
  )
  .map(([value, at, noise]) => {
    const text = JSON.stringify(value)
    const place = at % (text.length + 1)
    return text.slice(0, place) + noise + text.slice(place)
  })

describe('Strict JSON', () => {
  test.prop([json])('reads whatever JSON.stringify writes', (value) => {
    const text = JSON.stringify(value)
    expect(read(text)).toEqual(JSON.parse(text))
  })

  test.prop([json], { numRuns: 50 })('reads it with white space everywhere', (value) => {
    expect(read(JSON.stringify(value, undefined, 2))).toEqual(JSON.parse(JSON.stringify(value)))
  })

  test.prop([nearly], { numRuns: 500 })(
    'accepts nothing that JSON.parse refuses, and throws nothing but INVALID_REQUEST',
    (text) => {
      let expected: unknown
      try {
        expected = { value: JSON.parse(Buffer.from(text).toString()) as unknown }
      } catch {
        expected = undefined
      }
      let found: unknown
      try {
        found = { value: read(text) }
      } catch (error) {
        expect(isKmsError(error, 'INVALID_REQUEST')).toBe(true)
      }
      if (found !== undefined) expect(found).toEqual(expected)
    },
  )

  test.prop([fc.string({ unit: 'grapheme', minLength: 1 }), json, json], { numRuns: 100 })(
    'refuses two members of one name, however they are written',
    (name, a, b) => {
      fc.pre(name !== '__proto__')
      const escaped = Array.from(
        { length: name.length },
        (_, i) => `\\u${name.charCodeAt(i).toString(16).padStart(4, '0')}`,
      )
      const spelled = `"${escaped.join('')}"`
      const text = `{${JSON.stringify(name)}:${JSON.stringify(a)},${spelled}:${JSON.stringify(b)}}`
      expect(refusal(() => read(`[${text}]`))).toContain('two members of the same name')
    },
  )

  test.prop([fc.uint8Array()], { numRuns: 300 })(
    'throws nothing but INVALID_REQUEST, whatever the bytes are',
    (bytes) => {
      expect(typeof refusal(() => parseStrictJson(bytes)) === 'object').toBe(false)
    },
  )

  test.each([
    ['{"__proto__":{"role":"admin"}}', 'a member is called __proto__'],
    ['{"\\u005f_proto__":1}', 'a member is called __proto__'],
    ['{"a":{"b":[{"__proto__":null}]}}', 'a member is called __proto__'],
    ['{"n":9007199254740993}', 'a number is too large to be exact'],
    ['{"n":1e400}', 'a number is too large to be exact'],
    ['{"n":123456789012345678901234567890}', 'a number is too large to be exact'],
    ['"\\ud800"', 'a string is not well-formed Unicode'],
    ['{"\\udc00":1}', 'a string is not well-formed Unicode'],
    ['', 'it is not JSON'],
    ['{"a":1}{"a":1}', 'it is not JSON'],
    ['{"a":1,}', 'it is not JSON'],
    ['NaN', 'it is not JSON'],
    ["{'a':1}", 'it is not JSON'],
    ['{"a":01}', 'it is not JSON'],
    ['{"a":"\n"}', 'it is not JSON'],
    ['\ufeff{}', 'it begins with a byte order mark'],
  ])('refuses %s', (text, why) => {
    expect(refusal(() => read(text))).toContain(why)
  })

  test('refuses what is not UTF-8', () => {
    expect(refusal(() => parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22)))).toContain('it is not UTF-8')
    expect(refusal(() => parseStrictJson(Uint8Array.of(0x22, 0xc0, 0x80, 0x22)))).toContain('it is not UTF-8')
  })

  test.each([
    ['depth', '['.repeat(100_000)],
    ['depth of objects', '{"a":'.repeat(100_000)],
    ['members of one object', `{${Array.from({ length: 80_000 }, (_, i) => `"k${i}":1`).join(',')}}`],
    ['members named like array indexes', `{${Array.from({ length: 80_000 }, (_, i) => `"${i * 7}":1`).join(',')}}`],
    ['values', `[${'1,'.repeat(500_000)}1]`],
    ['objects', `[${'{},'.repeat(300_000)}{}]`],
  ])('H109 refuses too much of %s in less than 50 ms of CPU time', (_, text) => {
    const bytes = bytesOf(text)
    const before = process.cpuUsage()
    const why = refusal(() => parseStrictJson(bytes))
    const { user, system } = process.cpuUsage(before)
    expect(why).toMatch(/more than/)
    expect((user + system) / 1000).toBeLessThan(50)
  })

  test('takes what the library takes: a list of a thousand items, 64 pairs of context', () => {
    const context = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`key${i}`, 'value']))
    expect(read(JSON.stringify({ context }))).toEqual({ context })
    const items = Array.from({ length: 1000 }, (_, i) => ({
      key: 'k',
      plaintext: 'YQ==',
      reference: `${i}`,
      context: { a: 'b' },
    }))
    expect(read(JSON.stringify({ items }))).toEqual({ items })
  })
})
