import { createHash } from 'node:crypto'
import { inflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  chunkBytes,
  messageKey,
  openChunks,
  openSmall,
  prefixBytes,
  saltBytes,
} from '../../src/crypto/chunked-encryption.ts'
import { secretKey } from '../../src/crypto/secret-key.ts'
import { readForeign, titleOf, whyWithout } from '../support/envelope-vectors.ts'

interface Vector {
  readonly tcId: number
  readonly comment: string
  readonly key: string
  readonly ctx: string
  readonly ct: string
  readonly aeadKey?: string
  readonly baseNonce?: string
  readonly msgLength?: number
  readonly msgSha512?: string
  readonly result: 'valid' | 'invalid'
  readonly flags: readonly string[]
}

const file = 'wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json'
const why = whyWithout(file)
const vectors =
  why === undefined
    ? readForeign<{ testGroups: { tests: Vector[] }[] }>(file).testGroups.flatMap(({ tests }) => tests)
    : []

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const sha512 = (bytes: Uint8Array): string => createHash('sha512').update(bytes).digest('hex')
const open = (vector: Vector): Uint8Array | undefined =>
  openSmall(secretKey(hex(vector.key)), hex(vector.ctx), inflateSync(hex(vector.ct)))

/** Key and base nonce of the vectors that name them: the commitment is checked by whether they open. */
function expectDerived(vector: Vector): void {
  if (vector.aeadKey === undefined || vector.baseNonce === undefined) return
  const salt = inflateSync(hex(vector.ct)).subarray(0, saltBytes)
  const derived = messageKey(secretKey(hex(vector.key)), salt, hex(vector.ctx))
  expect(derived.key.export().toString('hex')).toBe(vector.aeadKey)
  expect(derived.nonce.toString('hex')).toBe(vector.baseNonce)
}

/** What a reader that streams would have had before it met the fault. */
function expectPartial(vector: Vector): void {
  const sealed = inflateSync(hex(vector.ct))
  const derived = messageKey(secretKey(hex(vector.key)), sealed.subarray(0, saltBytes), hex(vector.ctx))
  const out = Buffer.alloc(vector.msgLength as number)
  const end = (vector.msgLength as number) / chunkBytes
  expect(openChunks(derived, { plaintext: out, sealed: sealed.subarray(prefixBytes) }, { first: 0, end })).toBe(true)
  expect(sha512(out)).toBe(vector.msgSha512)
}

describe('C2SP chunked encryption with AES-256-GCM, by Wycheproof', () => {
  it(titleOf('has 35 vectors', why), (ctx) => {
    if (why !== undefined) ctx.skip(why)
    expect(vectors).toHaveLength(35)
  })

  it.each(vectors.filter(({ result }) => result === 'valid'))('$tcId opens: $comment', (vector) => {
    const opened = open(vector)
    expect(opened?.length).toBe(vector.msgLength)
    expect(sha512(opened as Uint8Array)).toBe(vector.msgSha512)
    expectDerived(vector)
  })

  it.each(vectors.filter(({ result }) => result === 'invalid'))('$tcId does not open: $comment', (vector) => {
    expectDerived(vector)
    if (vector.flags.includes('PartialPlaintext')) expectPartial(vector)
    let opened: Uint8Array | undefined
    try {
      opened = open(vector)
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
      expect(vector.flags).toContain('InvalidKeySize')
    }
    expect(opened).toBeUndefined()
  })
})
