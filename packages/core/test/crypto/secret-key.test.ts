import { createHmac, hkdfSync } from 'node:crypto'
import { inspect } from 'node:util'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { expandSha512, hmacSha256, secretKey } from '../../src/crypto/secret-key.ts'

describe('a secret', () => {
  it('takes its bytes over and wipes where they came from', () => {
    const bytes = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
    const key = secretKey(bytes)
    expect(bytes.every((byte) => byte === 0)).toBe(true)
    expect(key.export().toString('hex')).toBe('00112233445566778899aabbccddeeff')
  })

  it('I118 shows no bytes when it is printed, put into JSON or into a text', () => {
    const key = secretKey(Buffer.from('the secret of the house, 32 byte'))
    const shown = [
      inspect(key, { depth: 10, showHidden: true }),
      JSON.stringify({ key }),
      Object.prototype.toString.call(key),
    ].join()
    for (const encoding of ['utf8', 'hex', 'base64'] as const)
      expect(shown).not.toContain(key.export().toString(encoding))
    expect(Object.keys(key)).toEqual([])
  })

  it('exports copies, so that wiping one does not spoil it', () => {
    const key = secretKey(Buffer.from([1, 2, 3]))
    key.export().fill(0)
    expect([...key.export()]).toEqual([1, 2, 3])
  })
})

describe('HMAC-SHA256', () => {
  it('is that of RFC 4231, test case 2', () => {
    const mac = hmacSha256(secretKey(Buffer.from('Jefe')), Buffer.from('what do ya want for nothing?'))
    expect(mac.toString('hex')).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
  })

  it('takes its message in parts, bytes or text', () => {
    const key = secretKey(Buffer.from('Jefe'))
    expect(hmacSha256(key, 'what do ya want ', Buffer.from('for nothing?'))).toEqual(
      hmacSha256(key, 'what do ya want for nothing?'),
    )
  })
})

describe('HKDF-Expand with SHA-512', () => {
  const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: 1, maxLength })

  test.prop([fc.tuple(bytes(64), bytes(64)), fc.uint8Array({ maxLength: 1024 }), fc.integer({ min: 1, max: 128 })], {
    numRuns: 60,
  })('is the second half of HKDF (RFC 5869) for every length up to 128', ([ikm, salt], info, length) => {
    const prk = secretKey(createHmac('sha512', salt).update(ikm).digest())
    expect(expandSha512(prk, info, length)).toEqual(Buffer.from(hkdfSync('sha512', ikm, salt, info, length)))
  })

  it.each([1, 32, 63, 64, 65, 76, 127, 128])('gives %i bytes, the beginning of all that it would give', (length) => {
    const key = (): ReturnType<typeof secretKey> => secretKey(Buffer.from('k'.repeat(64)))
    const first = createHmac('sha512', 'k'.repeat(64)).update('info\x01').digest()
    const second = createHmac('sha512', 'k'.repeat(64)).update(first).update('info\x02').digest()
    const expanded = expandSha512(key(), Buffer.from('info'), length)
    expect(expanded).toEqual(Buffer.concat([first, second]).subarray(0, length))
  })

  it('takes an info longer than the 1,024 bytes at which Node stops', () => {
    const info = Buffer.alloc(9000, 7)
    const first = createHmac('sha512', 'key')
      .update(info)
      .update(Buffer.from([1]))
      .digest()
    expect(expandSha512(secretKey(Buffer.from('key')), info, 64)).toEqual(first)
  })
})
