import { InvalidRequestError } from '@chatelaine/core'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { fromBase64, toBase64 } from '../src/wire/base64.ts'
import { requestCodec } from '../src/wire/request-codec.ts'

/** The codec of requests with one member of a form, by itself, in a list, in an object, and as one of several. */
const codecOf = (form: string) => {
  const one = { 'x-wire': form }
  const properties = {
    one,
    list: { type: 'array', items: one },
    object: { type: 'object', properties: { one, list: { type: 'array', items: one } } },
    choice: { anyOf: [{ type: 'string' }, one] },
    plain: { type: 'string' },
  }
  return requestCodec({ type: 'object', properties })
}

/** What reading says is wrong: where. */
function placeOf(form: string, json: object): unknown {
  try {
    codecOf(form).read(json)
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidRequestError)
    return (error as InvalidRequestError).issues.map(({ path }) => path)
  }
}

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')
const pem = '-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n'

/** What each form has in JSON, and in the library. */
const pairs: [form: string, json: unknown, value: unknown][] = [
  ['bytes', 'YQ==', bytes('a')],
  ['bytes', '', bytes('')],
  ['sealed', 'YQ==', bytes('a')],
  ['message', 'YQ==', bytes('a')],
  ['message', { text: 'YQ==' }, 'YQ=='],
  ['key', 'YQ==', bytes('a')],
  ['material', { format: 'raw', bytes: 'YQ==' }, { format: 'raw', bytes: bytes('a') }],
  ['date', '2026-11-29T12:00:00.000Z', new Date('2026-11-29T12:00:00Z')],
]

describe('A request over the wire', () => {
  test.each(pairs)('has %s as %j, wherever it is', (form, json, value) => {
    const { read, write } = codecOf(form)
    const around = (one: unknown): object => ({ one, list: [one, one], object: { one, list: [one] }, choice: one })
    expect(read(around(json))).toEqual(around(value))
    expect(write(around(value))).toEqual(around(json))
  })

  test.each([
    ['key', pem, pem],
    ['sealed', 'not-base64_', 'not-base64_'],
    ['date', '2026-11-29T12:00:00+01:00', new Date('2026-11-29T11:00:00Z')],
    ['date', '2026-11-29T12:00:00.123456789Z', new Date('2026-11-29T12:00:00.123Z')],
  ])('is read too where %s is %j', (form, json, value) => {
    expect(codecOf(form).read({ one: json })).toEqual({ one: value })
  })

  test.each<[string, unknown]>([
    ['bytes', 'YQ'],
    ['bytes', 'YQ=='.repeat(2)],
    ['bytes', '_-8='],
    ['bytes', ' YQ=='],
    ['message', 'ä'],
    ['message', 'YR=='],
    ['message', {}],
    ['message', { text: 1 }],
    ['message', { text: 'a', more: 1 }],
    ['key', 'BEGIN'],
    ['date', '2026-11-29'],
    ['date', '2026-11-29T12:00:00'],
    ['date', '2026-11-29T12:00:00Z '],
    ['date', ' 2026-11-29T12:00:00Z'],
    ['date', '2026-11-29T12:00:00.1234567891Z'],
    ['date', '2026-13-29T12:00:00Z'],
    ['date', '1'],
    ['date', '+002026-11-29T12:00:00Z'],
  ])('says where what is no %s is: %j', (form, json) => {
    expect(placeOf(form, { one: json })).toEqual(['one'])
    expect(placeOf(form, { list: ['YQ==', json], one: undefined })).toEqual([form === 'date' ? 'list.0' : 'list.1'])
    expect(placeOf(form, { object: { one: json } })).toEqual(['object.one'])
    expect(placeOf(form, { object: { list: [json] } })).toEqual(['object.list.0'])
  })

  test('says where what is no material is', () => {
    expect(placeOf('material', { object: { one: { bytes: 'x' } } })).toEqual(['object.one.bytes'])
  })

  test.each(['bytes', 'sealed', 'message', 'key', 'material', 'date'])(
    'leaves a %s of another type to the schema, and what is not there away',
    (form) => {
      const { read, write } = codecOf(form)
      for (const other of [1, null, true, [], ['YQ==']]) {
        const json = { one: other, list: other === null ? null : 1, object: other, choice: other, plain: 'YQ==' }
        expect(read(json)).toEqual(json)
        expect(write(json)).toEqual(json)
      }
      for (const none of [{}, { one: undefined }]) expect(read(none)).toStrictEqual(none)
      expect(write({ object: bytes('a'), choice: undefined })).toStrictEqual({ object: bytes('a'), choice: undefined })
    },
  )

  test('is not changed by what reads or writes it', () => {
    const { read, write } = codecOf('material')
    const json = { one: { bytes: 'YQ==' }, object: { one: { bytes: 'YQ==' } }, list: [{ bytes: 'YQ==' }] }
    const before = structuredClone(json)
    const value = read(json)
    expect(json).toEqual(before)
    expect(write(value)).toEqual(before)
    expect(value).toMatchObject({ one: { bytes: bytes('a') } })
  })

  test('says nothing that its schema does not name', () => {
    const { write } = codecOf('bytes')
    const request = Object.assign(Object.create({ plain: 'inherited' }) as object, { one: bytes('a'), signal: 1 })
    expect(write({ ...request, constructor: 1, toString: 2 })).toEqual({ one: 'YQ==' })
    expect(write(request)).toEqual({ one: 'YQ==' })
  })
})

// Of Ł (U+0141) Node sees the low byte alone, which is A.
const alphabet = fc.constantFrom(...'AZaz09+/=-_ \n\0éŁ'.split(''))

describe('Base64', () => {
  property.prop([fc.uint8Array({ maxLength: 50 }), fc.nat(5), fc.nat(5)])(
    'says the bytes of a part of a buffer, and those alone',
    (whole, start, end) => {
      const part = whole.subarray(start, Math.max(start, whole.length - end))
      expect(toBase64(part)).toBe(Buffer.from([...part]).toString('base64'))
      expect(fromBase64(toBase64(part))).toEqual(Buffer.from([...part]))
    },
  )

  const isCanonical = (text: string): boolean => Buffer.from(text, 'base64').toString('base64') === text

  test('is what its bytes are written as, and nothing else: every text of up to four characters', () => {
    const characters = 'AB/g0=-_ \néŁ'.split('')
    let texts = ['']
    for (let length = 0; length <= 4; length++) {
      for (const text of texts) expect([text, fromBase64(text) !== undefined]).toEqual([text, isCanonical(text)])
      texts = texts.flatMap((text) => characters.map((character) => text + character))
    }
  })

  property.prop([
    fc.uint8Array({ maxLength: 40 }),
    fc.array(fc.record({ at: fc.nat(56), gone: fc.nat(4), put: fc.string({ unit: alphabet, maxLength: 4 }) }), {
      maxLength: 3,
    }),
  ])('is what its bytes are written as, and nothing else: texts that were meddled with', (bytes, changes) => {
    let text = toBase64(bytes)
    for (const { at, gone, put } of changes) text = text.slice(0, at) + put + text.slice(at + gone)
    expect(fromBase64(text)).toEqual(isCanonical(text) ? Buffer.from(text, 'base64') : undefined)
  })

  test('that is not canonical is none, and what was read of it is overwritten', () => {
    const made = vi.spyOn(Buffer, 'from')
    onTestFinished(() => made.mockRestore())
    expect(fromBase64('c2VjcmV0LXg')).toBeUndefined()
    const [read] = made.mock.results.map(({ value }) => value as Buffer)
    expect(read).toEqual(Buffer.alloc(8))
  })
})
