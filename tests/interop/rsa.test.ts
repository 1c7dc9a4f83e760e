import { generateKeyPairSync } from 'node:crypto'
import type { JsonWebKey, Kms, SigningAlgorithmName } from '@chatelaine/core'
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { mgf1, OAEP, PKCS1_SHA256, PKCS1_SHA384, PKCS1_SHA512, PSS } from 'micro-rsa-dsa-dh/rsa.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { broughtKey, bytes, madeKey, openHouse } from './house.ts'

interface Scheme {
  readonly algorithm: SigningAlgorithmName
  readonly hash: (message: Uint8Array) => Uint8Array
  readonly theirs: typeof PKCS1_SHA256
}

const schemes: readonly Scheme[] = [
  { algorithm: 'RSASSA_PSS_SHA_256', hash: sha256, theirs: PSS(sha256, mgf1(sha256), 32) },
  { algorithm: 'RSASSA_PSS_SHA_384', hash: sha384, theirs: PSS(sha384, mgf1(sha384), 48) },
  { algorithm: 'RSASSA_PSS_SHA_512', hash: sha512, theirs: PSS(sha512, mgf1(sha512), 64) },
  { algorithm: 'RSASSA_PKCS1_V1_5_SHA_256', hash: sha256, theirs: PKCS1_SHA256 },
  { algorithm: 'RSASSA_PKCS1_V1_5_SHA_384', hash: sha384, theirs: PKCS1_SHA384 },
  { algorithm: 'RSASSA_PKCS1_V1_5_SHA_512', hash: sha512, theirs: PKCS1_SHA512 },
]

const message = Buffer.from('read elsewhere, written elsewhere')
const other = Buffer.from('another message')
const numberOf = (text: string | undefined): bigint =>
  BigInt(`0x${Buffer.from(text as string, 'base64url').toString('hex')}`)
const publicOf = ({ n, e }: JsonWebKey) => ({ n: numberOf(n), e: numberOf(e) })

/** What is not signed fails to verify there by an error or by `false`, whichever it is. */
function verifiesThere(theirs: Scheme['theirs'], key: { n: bigint; e: bigint }, [of, signature]: [Buffer, Buffer]) {
  try {
    return theirs.verify(key, of, signature)
  } catch {
    return false
  }
}

describe('RSA and micro-rsa-dsa-dh', () => {
  // The numbers of a key are all that the other side needs; finding primes would take it long.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = privateKey.export({ format: 'jwk' })
  const theirPublic = publicOf(jwk)
  const theirPrivate = { n: theirPublic.n, d: numberOf(jwk.d) }
  let kms: Kms
  let signing: string
  let encrypting: string

  beforeAll(async () => {
    kms = await openHouse()
    signing = await broughtKey(kms, { spec: 'RSA_2048', usage: 'SIGN_VERIFY' }, { format: 'jwk', jwk })
    encrypting = await broughtKey(kms, { spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' }, { format: 'jwk', jwk })
  })
  afterAll(async () => kms.close())

  test.each(schemes)('agree on signatures made here with $algorithm', async ({ algorithm, hash, theirs }) => {
    const given = { RAW: message, DIGEST: bytes(hash(message)) }
    for (const messageType of ['RAW', 'DIGEST'] as const) {
      const request = { key: signing, algorithm, messageType, message: given[messageType] }
      const { signature } = await kms.sign(request)
      const seen = [message, other].map((of) => verifiesThere(theirs, theirPublic, [of, signature]))
      expect(seen).toEqual([true, false])
    }
  })

  test.each(schemes)('agree on signatures made there with $algorithm', async ({ algorithm, hash, theirs }) => {
    const signature = theirs.sign(theirPrivate, message)
    for (const messageType of ['RAW', 'DIGEST'] as const) {
      const given = (of: Uint8Array): Buffer => bytes(messageType === 'RAW' ? of : hash(of))
      const request = { key: signing, algorithm, messageType, signature }
      expect(await kms.verify({ ...request, message: given(message) })).toMatchObject({ valid: true })
      expect(await kms.verify({ ...request, message: given(other) })).toMatchObject({ valid: false })
    }
  })

  test.each(['RSA_3072', 'RSA_4096'] as const)('agree on signatures made here with %s', async (spec) => {
    const key = await madeKey(kms, spec, 'SIGN_VERIFY')
    const theirs = publicOf((await kms.getPublicKey({ key })).jwk)
    for (const { algorithm, theirs: scheme } of schemes.filter((one) => one.algorithm.endsWith('_512'))) {
      const { signature } = await kms.sign({ key, algorithm, message })
      expect([message, other].map((of) => verifiesThere(scheme, theirs, [of, signature]))).toEqual([true, false])
    }
  })

  test.each([0, 1, 190])('agree on %d bytes encrypted here with OAEP', async (length) => {
    const plaintext = Buffer.alloc(length, 7)
    const { ciphertext } = await kms.encrypt({ key: encrypting, plaintext })
    expect(bytes(OAEP(sha256, mgf1(sha256)).decrypt(theirPrivate, ciphertext))).toEqual(plaintext)
  })

  test.each([
    ['RSAES_OAEP_SHA_256', sha256],
    ['RSAES_OAEP_SHA_1', sha1],
  ] as const)('agree on what is encrypted there with %s', async (algorithm, hash) => {
    for (const length of [0, 1, 190]) {
      const plaintext = Buffer.alloc(length, 7)
      const ciphertext = OAEP(hash as typeof sha256, mgf1(hash as typeof sha256)).encrypt(theirPublic, plaintext)
      expect((await kms.decrypt({ key: encrypting, algorithm, ciphertext })).plaintext).toEqual(plaintext)
    }
  })
})
