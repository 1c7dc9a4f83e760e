import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { fromBase64url, toBase64url } from '../../../src/internal/base64url.ts'

describe('base64url', () => {
  test.prop([fc.uint8Array({ maxLength: 60 })], { numRuns: 60 })('what was written is read again', (bytes) => {
    const text = toBase64url(bytes)
    expect(text).toBe(Buffer.from(bytes).toString('base64url'))
    expect(fromBase64url(text)).toEqual(Buffer.from(bytes))
  })

  test.prop(
    [fc.string({ unit: fc.constantFrom('A', 'Q', 'g', 'w', 'x', '/', '+', '-', '_', '=', ' ', '0'), maxLength: 9 })],
    { numRuns: 500 },
  )('a text is read only if it is the one that would be written', (text) => {
    const canonical = Buffer.from(text, 'base64url').toString('base64url') === text
    expect(fromBase64url(text) !== undefined).toBe(canonical)
  })

  it('writes a part of a larger array', () => {
    expect(toBase64url(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))).toBe('AgM')
  })

  it('A18 padding, white space, the other alphabet, stray bits and stray characters are refused', () => {
    for (const text of [
      'QQ==',
      'QQ=',
      'QQ QQ',
      'QUFB\n',
      '\tQUFB',
      'QU+B',
      'QU/B',
      'Q',
      'QUFBQ',
      'QR',
      'QUJ',
      'QU.B',
      'QUFé',
    ]) {
      expect([text, fromBase64url(text)]).toEqual([text, undefined])
    }
    expect(fromBase64url('QQ')).toEqual(Buffer.from('A'))
    expect(fromBase64url('QUI')).toEqual(Buffer.from('AB'))
    expect(fromBase64url('QU-_')).toEqual(Buffer.from([0x41, 0x4f, 0xbf]))
    expect(fromBase64url('')).toEqual(Buffer.alloc(0))
  })
})
