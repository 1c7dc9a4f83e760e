import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { allocate, asBuffer, byteSize, copyBytes, isBytes, utf8, wipe, wipeDeep } from '../../../src/internal/bytes.ts'

describe('bytes', () => {
  it('fresh ones have memory of their own', () => {
    for (const bytes of [allocate(5), copyBytes(Uint8Array.of(1, 2, 3, 4, 5)), utf8('abcde')]) {
      expect(bytes).toHaveLength(5)
      expect(bytes.buffer.byteLength).toBe(5)
    }
  })

  it('A19 are told from what poses as them, and from what was given away', () => {
    const bytes = [new Uint8Array(2), Buffer.alloc(0), new Uint8Array(new SharedArrayBuffer(2)), new Uint8Array()]
    expect(bytes.map(isBytes)).toEqual([true, true, true, true])
    const given = new Uint8Array(2)
    structuredClone(given.buffer, { transfer: [given.buffer] })
    const imitations = [Object.create(Uint8Array.prototype), new Proxy(new Uint8Array(2), {}), new Uint16Array(2)]
    for (const other of [given, ...imitations, new ArrayBuffer(2), [1], 'ab', 5, null, undefined, {}]) {
      expect(isBytes(other)).toBe(false)
    }
  })

  it('A20 a copy does not follow its source', () => {
    const source = Uint8Array.of(1, 2, 3)
    const copy = copyBytes(source)
    source.fill(9)
    expect([...copy]).toEqual([1, 2, 3])
  })

  it('a copy of a part is of that part', () => {
    expect([...copyBytes(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))]).toEqual([2, 3])
  })

  test.prop([fc.string({ unit: 'binary', maxLength: 50 })], { numRuns: 50 })('a text has its UTF-8 bytes', (text) => {
    expect(utf8(text)).toEqual(Buffer.from(text, 'utf8'))
  })

  it('the same bytes as a Buffer are the same memory', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4)
    const buffer = asBuffer(bytes.subarray(1, 3))
    expect([...buffer]).toEqual([2, 3])
    bytes[1] = 9
    expect(buffer[0]).toBe(9)
    expect(asBuffer(buffer)).toBe(buffer)
  })

  it('wiped ones are zeros', () => {
    const bytes = Buffer.from([1, 2, 3])
    wipe(bytes)
    expect([...bytes]).toEqual([0, 0, 0])
  })
})

describe('a result', () => {
  const make = (): { result: object; bytes: Uint8Array[] } => {
    const bytes = [Buffer.from('abc'), Uint8Array.of(7), Buffer.from('de')]
    return {
      bytes,
      result: { a: bytes[0], b: [{ c: bytes[1] }, null, undefined, 5], d: { e: { f: bytes[2] } }, g: 'xyz' },
    }
  }

  it('is wiped wherever bytes are in it, and nothing else is touched', () => {
    const { result, bytes } = make()
    wipeDeep(result)
    expect(bytes.flatMap((one) => [...one])).toEqual([0, 0, 0, 0, 0, 0])
    expect(result).toMatchObject({ g: 'xyz', b: [{}, null, undefined, 5] })
    for (const plain of [undefined, null, 'text', 5]) expect(() => wipeDeep(plain)).not.toThrow()
  })

  it('has the size of its bytes and texts', () => {
    expect(byteSize(make().result)).toBe(3 + 1 + 2 + 3)
    expect(byteSize(Buffer.alloc(10))).toBe(10)
    expect(byteSize('four')).toBe(4)
    for (const nothing of [undefined, null, 5, true, {}, []]) expect(byteSize(nothing)).toBe(0)
  })
})
