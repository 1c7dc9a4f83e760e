import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { CreateKeyRequest, DecryptRequest, Kms, SignRequest, SigningAlgorithmName } from '@chatelaine/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { broughtKey, openHouse } from './house.ts'

/** A vector: which verb, of a key of which spec, and the fields of its request and its result in hexadecimal. */
interface Vector {
  readonly verb: string
  readonly spec: string
  readonly algorithm?: string
  readonly format?: 'DER' | 'P1363'
  readonly [field: string]: string | undefined
}

const file = path.join(import.meta.dirname, '../../vectors/algorithms.json')
const { keys, made, kept } = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly keys: Readonly<Record<string, { readonly format: string; readonly bytes: string }>>
  readonly made: readonly Vector[]
  readonly kept: readonly Vector[]
}

test('the vectors are those that were published: another file is another promise', () => {
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex')
  expect(digest).toBe('fade2f8097a24bf97412b4135223259bae141d30056f21d4084d5f86b4f39282')
})

const hex = (text: string | undefined): Buffer => Buffer.from(text as string, 'hex')
const of = (vectors: readonly Vector[], verb: string): readonly Vector[] => vectors.filter((one) => one.verb === verb)
const usages: Readonly<Record<string, string>> = {
  sign: 'SIGN_VERIFY',
  verify: 'SIGN_VERIFY',
  decrypt: 'ENCRYPT_DECRYPT',
  generateMac: 'GENERATE_VERIFY_MAC',
  deriveSharedSecret: 'KEY_AGREEMENT',
  decapsulate: 'ENCAPSULATE_DECAPSULATE',
}

/** The digest that may be given instead of the message; ML-DSA and Ed25519 without `PH` take none. */
function digestOf({ algorithm = '', message }: Vector): Buffer | undefined {
  const bits = /^(?:RSASSA|ECDSA|ED25519_PH)_.*?(256|384|512)$/.exec(algorithm)?.[1]
  return bits === undefined ? undefined : createHash(`sha${bits}`).update(hex(message)).digest()
}

/** The message of a vector as requests may give it. */
function given(vector: Vector): readonly Pick<SignRequest, 'message' | 'messageType'>[] {
  const digest = digestOf(vector)
  const raw = { message: hex(vector['message']) }
  return digest === undefined ? [raw] : [raw, { message: digest, messageType: 'DIGEST' }]
}

describe('our own vectors', () => {
  const known = new Map<string, Promise<string>>()
  let kms: Kms

  beforeAll(async () => {
    kms = await openHouse()
  })
  afterAll(async () => kms.close())

  /** The key of a vector, imported once for each usage. */
  async function keyOf({ spec, verb }: Vector): Promise<string> {
    const usage = usages[verb] ?? usageOf(spec)
    const { format, bytes } = keys[spec]!
    const material = { format, bytes: hex(bytes) } as CreateKeyRequest['material']
    const found = known.get(spec + usage) ?? broughtKey(kms, { spec, usage }, material)
    known.set(spec + usage, found)
    return found
  }

  test('are of every key spec and algorithm', async () => {
    const all = [...made, ...kept]
    const specs = new Set(all.map(({ spec }) => spec))
    const pairs = Object.keys(keys).filter((spec) => !spec.startsWith('HMAC'))
    expect(specs).toEqual(new Set(Object.keys(keys)))
    expect(of(made, 'getPublicKey').map(({ spec }) => spec)).toEqual(expect.arrayContaining(pairs))
    for (const spec of pairs.filter((name) => /^(RSA|ECC|ML_DSA)/.test(name))) {
      const key = await keyOf({ verb: 'sign', spec })
      const { algorithms } = await kms.getPublicKey({ key })
      const seen = [...of(made, 'sign'), ...of(kept, 'verify')].filter((one) => one.spec === spec)
      expect(new Set(seen.map(({ algorithm }) => algorithm))).toEqual(new Set(algorithms))
    }
  })

  test.each(of(made, 'getPublicKey'))('the public half of the key $spec is what it was', async (vector) => {
    const key = await keyOf(vector)
    expect((await kms.getPublicKey({ key })).publicKey.toString('hex')).toBe(vector['publicKey'])
  })

  test.each(of(made, 'sign'))('$spec signs with $algorithm what it signed: $message', async (vector) => {
    const key = await keyOf(vector)
    const algorithm = vector.algorithm as SigningAlgorithmName
    for (const message of given(vector)) {
      const { signature } = await kms.sign({ key, algorithm, ...message })
      expect(signature.toString('hex')).toBe(vector['signature'])
      expect(await kms.verify({ key, algorithm, ...message, signature })).toMatchObject({ valid: true })
    }
  })

  test.each(of(made, 'generateMac'))('$spec makes the MAC that it made: $message', async (vector) => {
    const request = { key: await keyOf(vector), message: hex(vector['message']) }
    expect((await kms.generateMac(request)).mac.toString('hex')).toBe(vector['mac'])
    expect(await kms.verifyMac({ ...request, mac: hex(vector['mac']) })).toMatchObject({ valid: true })
  })

  test.each(of(made, 'deriveSharedSecret'))('$spec agrees on the secret that it agreed on', async (vector) => {
    const request = { key: await keyOf(vector), publicKey: hex(vector['publicKey']) }
    expect((await kms.deriveSharedSecret(request)).sharedSecret.toString('hex')).toBe(vector['sharedSecret'])
  })

  test.each(of(made, 'decapsulate'))('$spec decapsulates the secret that it did', async (vector) => {
    const request = { key: await keyOf(vector), ciphertext: hex(vector['ciphertext']) }
    expect((await kms.decapsulate(request)).sharedSecret.toString('hex')).toBe(vector['sharedSecret'])
  })

  test.each(of(kept, 'verify'))('$spec verifies with $algorithm what it verified: $format', async (vector) => {
    const key = await keyOf(vector)
    const { format, signingContext: context } = vector
    const signature = hex(vector['signature'])
    const algorithm = vector.algorithm as SigningAlgorithmName
    const request = { key, algorithm, format, ...(context === undefined ? {} : { signingContext: hex(context) }) }
    for (const message of given(vector)) {
      expect(await kms.verify({ ...request, ...message, signature })).toMatchObject({ valid: true })
      const changed = Buffer.from(signature)
      changed[changed.length - 1]! ^= 1
      expect(await kms.verify({ ...request, ...message, signature: changed })).toMatchObject({ valid: false })
    }
  })

  test.each(of(kept, 'decrypt'))('$spec decrypts with $algorithm what it decrypted', async (vector) => {
    const request = { key: await keyOf(vector), algorithm: vector.algorithm, ciphertext: hex(vector['ciphertext']) }
    expect((await kms.decrypt(request as DecryptRequest)).plaintext.toString('hex')).toBe(vector['plaintext'])
  })
})

/** Of a key that no vector works with in another way. */
function usageOf(spec: string): string {
  if (spec.startsWith('ML_KEM')) return 'ENCAPSULATE_DECAPSULATE'
  return spec === 'X25519' ? 'KEY_AGREEMENT' : 'SIGN_VERIFY'
}
