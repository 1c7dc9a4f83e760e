import { createCipheriv } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { messageKey, openChunks, openSmall, type MessageKey } from '../../src/crypto/chunked-encryption.ts'
import { secretKey, type SecretKey } from '../../src/crypto/secret-key.ts'

// GCM alone does not commit to its key: one block of ciphertext can be chosen so that the same tag fits two keys. With
// H = E_K(0) and J = nonce ‖ 1, the tag of one block C is C·H² ⊕ L·H ⊕ E_K(J), which is linear in C.
const bits = 128n
const reduce = 0xe1n << 120n

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)
const bytesOf = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(32, '0'), 'hex')

/** Multiplication in GF(2^128), as NIST SP 800-38D section 6.3 has it: the leftmost bit is the lowest power. */
function times(a: bigint, b: bigint): bigint {
  let product = 0n
  let shifted = b
  for (let bit = bits - 1n; bit >= 0n; bit--) {
    if ((a >> bit) & 1n) product ^= shifted
    shifted = shifted & 1n ? (shifted >> 1n) ^ reduce : shifted >> 1n
  }
  return product
}

/** a^(2^128 − 2), which is 1 / a. */
function inverse(a: bigint): bigint {
  let power = a
  let product = 1n << (bits - 1n)
  for (let step = 1; step < 128; step++) {
    power = times(power, power)
    product = times(product, power)
  }
  return product
}

function block(key: SecretKey, input: Buffer): bigint {
  return numberOf(createCipheriv('aes-256-ecb', key, null).setAutoPadding(false).update(input))
}

/** H² and L·H ⊕ E_K(J) of a message of one block. */
function terms({ key, nonce }: MessageKey): [square: bigint, rest: bigint] {
  const h = block(key, Buffer.alloc(16))
  const mask = block(key, Buffer.concat([nonce, Buffer.from([0, 0, 0, 1])]))
  return [times(h, h), times(128n, h) ^ mask]
}

/** A chunk that opens under both keys: as other plaintexts, of course. */
function salamander(one: MessageKey, other: MessageKey): Buffer {
  const [squareOne, restOne] = terms(one)
  const [squareOther, restOther] = terms(other)
  const ciphertext = times(restOne ^ restOther, inverse(squareOne ^ squareOther))
  return Buffer.concat([bytesOf(ciphertext), bytesOf(times(ciphertext, squareOne) ^ restOne)])
}

describe('a ciphertext that two keys accept', () => {
  const salt = Buffer.alloc(24, 5)
  const context = Buffer.from('context')
  const secrets = [1, 2].map((byte) => secretKey(Buffer.alloc(32, byte))) as [SecretKey, SecretKey]
  const keys = secrets.map((secret) => messageKey(secret, salt, context)) as [MessageKey, MessageKey]
  const chunk = salamander(...keys)

  it('A10 can be made of GCM alone', () => {
    for (const key of keys) {
      const body = { plaintext: Buffer.alloc(16), sealed: chunk }
      expect(openChunks(key, body, { first: 0, end: 1 })).toBe(true)
    }
  })

  it('A10 opens under the key of its commitment only', () => {
    for (const [at, key] of keys.entries()) {
      const message = Buffer.concat([salt, key.commitment, chunk])
      expect(openSmall(secrets[at] as SecretKey, context, message)).toHaveLength(16)
      expect(openSmall(secrets[1 - at] as SecretKey, context, message)).toBeUndefined()
    }
  })

  it('A10 opens under neither with a commitment of both halves', () => {
    const [one, other] = keys
    const mixed = Buffer.concat([salt, one.commitment.subarray(0, 16), other.commitment.subarray(16), chunk])
    for (const secret of secrets) expect(openSmall(secret, context, mixed)).toBeUndefined()
  })
})
