import { createCipheriv, createHmac } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  chunkBytes,
  chunkCount,
  commitmentBytes,
  messageKey,
  nonceOf,
  openChunks,
  openPrefix,
  openSmall,
  openedLength,
  prefixBytes,
  saltBytes,
  sealChunks,
  sealSmall,
  sealedLength,
  tagBytes,
} from '../../src/crypto/chunked-encryption.ts'
import { secretKey, type SecretKey } from '../../src/crypto/secret-key.ts'
import { flipBit } from '../support/envelope-kms.ts'

const secret = (byte = 7): SecretKey => secretKey(Buffer.alloc(32, byte))
const salt = Buffer.from(Array.from({ length: 24 }, (_, at) => 100 + at))
const context = Buffer.from('a context')
const sealedChunk = chunkBytes + tagBytes
const text = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, at) => at * 7 + (at >> 8)))
const sealed = (length: number): Buffer => sealSmall(secret(), context, { salt, plaintext: text(length) })

afterEach(() => vi.restoreAllMocks())

describe('the arithmetic of chunks', () => {
  it('is that of the specification: 24 bytes of salt, 32 of commitment, chunks of 16 KiB, tags of 16 bytes', () => {
    expect({ saltBytes, commitmentBytes, prefixBytes, chunkBytes, tagBytes }).toEqual({
      saltBytes: 24,
      commitmentBytes: 32,
      prefixBytes: 56,
      chunkBytes: 16_384,
      tagBytes: 16,
    })
  })

  it.each([
    [0, 1, 72],
    [1, 1, 73],
    [16_383, 1, 56 + 16_383 + 16],
    [16_384, 2, 56 + 16_384 + 32],
    [16_385, 2, 56 + 16_385 + 32],
    [32_768, 3, 56 + 32_768 + 48],
    [1_048_576, 65, 56 + 1_048_576 + 65 * 16],
  ])('a plaintext of %i bytes has %i chunks and %i bytes sealed', (length, chunks, bytes) => {
    expect(chunkCount(length)).toBe(chunks)
    expect(sealedLength(length)).toBe(bytes)
    expect(openedLength(bytes)).toBe(length)
  })

  it('a length is one of a message exactly if some plaintext has it', () => {
    const possible = new Map(Array.from({ length: 33_000 }, (_, length) => [sealedLength(length), length]))
    const wrong = Array.from({ length: 33_000 }, (_, length) => length).filter(
      (length) => openedLength(length) !== possible.get(length),
    )
    expect(wrong).toEqual([])
    for (const length of [-1, 0, 55, 56, 71, 56 + sealedChunk, 56 + sealedChunk + 15, 56 + 2 * sealedChunk]) {
      expect(openedLength(length)).toBeUndefined()
    }
  })
})

describe('the key of a message', () => {
  it('is HKDF-Expand of the label, the salt and the context: key, base nonce, commitment', () => {
    const info = Buffer.concat([Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0'), salt, context])
    const first = createHmac('sha512', Buffer.alloc(32, 7)).update(info).update(Buffer.of(1)).digest()
    const second = createHmac('sha512', Buffer.alloc(32, 7)).update(first).update(info).update(Buffer.of(2)).digest()
    const expected = Buffer.concat([first, second]).subarray(0, 76)
    const derived = messageKey(secret(), salt, context)
    expect(Buffer.concat([derived.key.export(), derived.nonce, derived.commitment])).toEqual(expected)
  })

  it('I118 shows no key when it is printed', () => {
    const derived = messageKey(secret(), salt, context)
    expect(JSON.stringify(derived)).not.toContain(derived.key.export().toJSON().data.slice(0, 4).join())
    expect(JSON.stringify(derived.key)).toBe('{}')
  })

  it('is another for another secret, salt or context', () => {
    const nonces = [
      messageKey(secret(), salt, context),
      messageKey(secret(8), salt, context),
      messageKey(secret(), flipBit(salt, 0), context),
      messageKey(secret(), salt, Buffer.from('another')),
      messageKey(secret(), salt, Buffer.alloc(0)),
    ].map(({ nonce }) => nonce.toString('hex'))
    expect(new Set(nonces).size).toBe(5)
  })
})

describe('the nonce of a chunk', () => {
  const base = Buffer.from('000102030405060708090a0b', 'hex')
  const hex = (index: number): string => Buffer.from(nonceOf(base, index)).toString('hex')

  it('is the base nonce XOR the number of the chunk, big-endian', () => {
    expect(hex(0)).toBe('000102030405060708090a0b')
    expect(hex(1)).toBe('000102030405060708090a0a')
    expect(hex(0x102)).toBe('000102030405060708090b09')
    expect(hex(0x80000000)).toBe('000102030405060788090a0b')
    expect(base.toString('hex')).toBe('000102030405060708090a0b')
  })

  it('is made of any kind of array, without changing it', () => {
    const bytes = Uint8Array.from(base)
    expect(Buffer.from(nonceOf(bytes, 1)).toString('hex')).toBe('000102030405060708090a0a')
    expect(Buffer.from(bytes)).toEqual(base)
  })

  it('A15 is another for every chunk up to the last number, and beyond the last there is none', () => {
    const numbers = [
      ...Array(300).keys(),
      2 ** 16,
      2 ** 24,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 31 + 1,
      2 ** 32 - 2,
      2 ** 32 - 1,
    ]
    expect(new Set(numbers.map(hex)).size).toBe(numbers.length)
    expect(hex(2 ** 32 - 1)).toBe('0001020304050607f7f6f5f4')
    expect(() => nonceOf(base, 2 ** 32)).toThrow(RangeError)
  })
})

describe('a small message', () => {
  it('is salt, commitment and chunks, each AES-256-GCM without additional data', () => {
    const plaintext = text(20_000)
    const message = sealed(20_000)
    const derived = messageKey(secret(), salt, context)
    const chunk = (index: number): Buffer => {
      const cipher = createCipheriv('aes-256-gcm', derived.key, nonceOf(derived.nonce, index), { authTagLength: 16 })
      const bytes = cipher.update(plaintext.subarray(index * chunkBytes, (index + 1) * chunkBytes))
      return Buffer.concat([bytes, cipher.final(), cipher.getAuthTag()])
    }
    expect(message).toEqual(Buffer.concat([salt, derived.commitment, chunk(0), chunk(1)]))
  })

  const sizes = fc.constantFrom(0, 1, 15, 16, 17, 16_383, 16_384, 16_385, 32_768)

  test.prop([sizes, fc.uint8Array({ maxLength: 40 })], { numRuns: 25 })('opens as what was sealed', (length, under) => {
    const message = sealSmall(secret(), under, { salt, plaintext: text(length) })
    expect(message).toHaveLength(sealedLength(length))
    expect(openSmall(secret(), under, message)).toEqual(text(length))
  })

  it('A5 opens with no bit of it changed', () => {
    const message = sealed(3)
    for (let bit = 0; bit < message.length * 8; bit++) {
      expect(openSmall(secret(), context, flipBit(message, bit))).toBeUndefined()
    }
  })

  it('A1 opens with nothing missing and nothing added', () => {
    const message = sealed(3)
    for (let length = 0; length < message.length; length++) {
      expect(openSmall(secret(), context, message.subarray(0, length))).toBeUndefined()
    }
    expect(openSmall(secret(), context, Buffer.concat([message, Buffer.alloc(1)]))).toBeUndefined()
  })

  it('opens under its own secret and context only', () => {
    const message = sealed(3)
    expect(openSmall(secret(8), context, message)).toBeUndefined()
    expect(openSmall(secret(), Buffer.from('a contexT'), message)).toBeUndefined()
    expect(openSmall(secret(), Buffer.alloc(0), message)).toBeUndefined()
    expect(openPrefix(secret(8), context, message).isCommitted).toBe(false)
    const opened = openPrefix(secret(), context, message)
    expect(opened.isCommitted).toBe(true)
    expect(opened.message.commitment).toEqual(message.subarray(24, 56))
  })

  it('that fails in a later chunk leaves no plaintext of the earlier ones behind', () => {
    const message = flipBit(sealed(20_000), (prefixBytes + sealedChunk) * 8)
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow')
    expect(openSmall(secret(), context, message)).toBeUndefined()
    const outputs = allocate.mock.results.map(({ value }) => value as Buffer).filter(({ length }) => length === 20_000)
    expect(outputs).toEqual([Buffer.alloc(20_000)])
  })
})

describe('chunks', () => {
  const derived = messageKey(secret(), salt, context)
  const plaintext = text(40_000)
  const whole = sealed(40_000).subarray(prefixBytes)

  it('are sealed and opened in parts as they are at once', () => {
    const parts = Buffer.alloc(whole.length)
    sealChunks(derived, { plaintext, sealed: parts }, { first: 1, end: 3 })
    expect(parts.subarray(0, sealedChunk)).toEqual(Buffer.alloc(sealedChunk))
    sealChunks(derived, { plaintext, sealed: parts }, { first: 0, end: 1 })
    expect(parts).toEqual(whole)
    const opened = Buffer.alloc(40_000)
    expect(openChunks(derived, { plaintext: opened, sealed: whole }, { first: 2, end: 3 })).toBe(true)
    expect(opened.subarray(0, 2 * chunkBytes)).toEqual(Buffer.alloc(2 * chunkBytes))
    expect(openChunks(derived, { plaintext: opened, sealed: whole }, { first: 0, end: 2 })).toBe(true)
    expect(opened).toEqual(plaintext)
  })

  it.each([0, 1, 2])('that are not authentic are said so: chunk %i', (index) => {
    const broken = flipBit(whole, index * sealedChunk * 8)
    const span = { first: 0, end: 3 }
    expect(openChunks(derived, { plaintext: Buffer.alloc(40_000), sealed: broken }, span)).toBe(false)
  })

  it('A21 take no shortened tag', () => {
    const message = sealed(5).subarray(prefixBytes)
    for (const length of [4, 8, 12, 15]) {
      const short = message.subarray(0, 5 + length)
      const open = (): boolean => {
        try {
          return openChunks(derived, { plaintext: Buffer.alloc(21), sealed: short }, { first: 0, end: 1 })
        } catch {
          return false
        }
      }
      expect(open()).toBe(false)
    }
  })
})
