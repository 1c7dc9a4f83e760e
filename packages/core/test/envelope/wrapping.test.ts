import { describe, expect, it } from 'vitest'
import { secretKey } from '../../src/crypto/secret-key.ts'
import { isKmsError } from '../../src/errors.ts'
import { keyIdentity, unwrapSecret, wrapSecret, wrapTypes, type Identity } from '../../src/keys/wrapping.ts'
import type { KeyRow } from '../../src/state/rows.ts'
import { seededRandomness } from '../../src/testing.ts'
import { fixedKeyId, flipBit } from '../support/envelope-kms.ts'

const identity: Identity = {
  type: wrapTypes.symmetric,
  id: fixedKeyId,
  version: 2,
  exportable: false,
  origin: 'CHATELAINE',
  spec: 'AES_256',
  tenant: 'default',
  usage: 'ENCRYPT_DECRYPT',
}
const wrapKey = secretKey(Buffer.alloc(32, 3))
const random = seededRandomness('wrapping')
const secret = Buffer.from('0123456789abcdef0123456789abcdef')
const wrap = (as: Identity = identity): Buffer => wrapSecret(wrapKey, as, { bytes: secret, random })

/** What unwrapping comes to: the secret, or the code and text of the refusal. */
function unwrap(wrapped: Uint8Array, as: Identity = identity, key = wrapKey): string {
  try {
    return unwrapSecret(key, as, wrapped).toString()
  } catch (error) {
    return isKmsError(error) ? `${error.code}: ${error.message}` : `unexpected: ${String(error)}`
  }
}

const tampered = 'STORAGE_TAMPERED: stored key material does not open under its identity'

describe('a wrapped secret', () => {
  it('is a header, a salt, a commitment and one chunk', () => {
    const wrapped = wrap()
    expect(wrapped.subarray(0, 3).toString()).toBe('CW1')
    expect(wrapped[3]).toBe(1)
    expect(wrapped.toString('hex', 4, 20)).toBe(fixedKeyId.replaceAll('-', ''))
    expect(wrapped.readUInt32BE(20)).toBe(2)
    expect(wrapped).toHaveLength(24 + 56 + 32 + 16)
    expect(wrapTypes).toEqual({ symmetric: 1, private: 2, house: 3, public: 4, importToken: 16, fingerprint: 17 })
  })

  it('opens under its identity, from any kind of array', () => {
    expect(unwrap(wrap())).toBe(secret.toString())
    expect(unwrap(Uint8Array.from(wrap()))).toBe(secret.toString())
    expect(unwrap(Uint8Array.from([9, ...wrap(), 9]).subarray(1, -1))).toBe(secret.toString())
  })

  it('has another salt each time', () => {
    expect(wrap().subarray(24, 48)).not.toEqual(wrap().subarray(24, 48))
  })

  it.each<Partial<Identity>>([
    { type: wrapTypes.house },
    { id: 'fedcba98-7654-4321-8fed-cba987654321' },
    { version: 3 },
    { exportable: true },
    { origin: 'EXTERNAL' },
    { spec: 'AES_128' },
    { tenant: 'another' },
    { usage: 'SIGN_VERIFY' },
    { origin: 'AES_256', spec: 'CHATELAINE' },
  ])('does not open as what it is not: %o', (change) => {
    expect(unwrap(wrap(), { ...identity, ...change })).toBe(tampered)
    const moved = Buffer.concat([wrap({ ...identity, ...change }).subarray(0, 24), wrap().subarray(24)])
    expect(unwrap(moved, { ...identity, ...change })).toBe(tampered)
    expect(unwrap(wrap({ ...identity, ...change }))).toBe(tampered)
  })

  it.each([-1, 0, 2 ** 32, 2 ** 32 + 2, Number.MAX_SAFE_INTEGER])(
    'E80 does not open as version %d, which a row may name',
    (version) => {
      expect(unwrap(wrap(), { ...identity, version })).toBe(tampered)
    },
  )

  it('does not open under another key', () => {
    expect(unwrap(wrap(), identity, secretKey(Buffer.alloc(32, 4)))).toBe(tampered)
  })

  it('does not open with any bit changed, anything missing or anything added', () => {
    const wrapped = wrap()
    for (let bit = 0; bit < wrapped.length * 8; bit++) expect(unwrap(flipBit(wrapped, bit))).toBe(tampered)
    for (let length = 0; length < wrapped.length; length++) expect(unwrap(wrapped.subarray(0, length))).toBe(tampered)
    expect(unwrap(Buffer.concat([wrapped, Buffer.alloc(1)]))).toBe(tampered)
  })

  it('is bound to what the row of its key says', () => {
    const row = { id: fixedKeyId, origin: 'O', spec: 'AES_256', tenant: 't', usage: 'ENCRYPT_DECRYPT', exportable: 0 }
    const expected = {
      type: 1,
      id: fixedKeyId,
      version: 5,
      origin: 'O',
      spec: 'AES_256',
      tenant: 't',
      usage: 'ENCRYPT_DECRYPT',
    }
    expect(keyIdentity(row as KeyRow, 5, 'symmetric')).toEqual({ ...expected, exportable: false })
    expect(keyIdentity({ ...row, exportable: 1 } as KeyRow, 5, 'symmetric')).toEqual({ ...expected, exportable: true })
  })
})
