import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { expectCode, makeWorld } from '../support/kms.ts'

const { kms } = await makeWorld()
const message = Buffer.from('message')
const digest = createHash('sha512').update(message).digest()

describe('Ed25519 and Ed25519ph', async () => {
  const key = await kms.keys.create({ spec: 'ECC_NIST_EDWARDS25519' })
  const pure = (await key.sign(message)).signature
  const hashed = (await key.sign(message, { algorithm: 'ED25519_PH_SHA_512' })).signature

  test('B41 signatures of the one are not valid as the other', async () => {
    expect(pure).not.toEqual(hashed)
    const valid = async (signature: Buffer, algorithm: 'ED25519_SHA_512' | 'ED25519_PH_SHA_512'): Promise<boolean> =>
      (await key.verify(message, signature, { algorithm })).valid
    expect([await valid(pure, 'ED25519_SHA_512'), await valid(pure, 'ED25519_PH_SHA_512')]).toEqual([true, false])
    expect([await valid(hashed, 'ED25519_SHA_512'), await valid(hashed, 'ED25519_PH_SHA_512')]).toEqual([false, true])
  })

  test('B41 the pure signature of a digest is no prehashed signature of the message', async () => {
    const { signature } = await key.sign(digest)
    const options = { algorithm: 'ED25519_PH_SHA_512' } as const
    expect((await key.verify(message, signature, options)).valid).toBe(false)
    expect((await key.verify(digest, signature, { ...options, messageType: 'DIGEST' })).valid).toBe(false)
    expect((await key.verify(digest, hashed)).valid).toBe(false)
  })

  test('B41 only the prehashed one takes digests, of 64 bytes', async () => {
    await expectCode(key.sign(digest, { messageType: 'DIGEST' }), 'INVALID_REQUEST')
    await expectCode(key.verify(digest, pure, { messageType: 'DIGEST' }), 'INVALID_REQUEST')
    const options = { algorithm: 'ED25519_PH_SHA_512', messageType: 'DIGEST' } as const
    expect((await key.sign(digest, options)).signature).toEqual(hashed)
    for (const length of [0, 32, 48, 63, 65]) {
      await expectCode(key.sign(Buffer.alloc(length, 1), options), 'INVALID_REQUEST')
      await expectCode(key.verify(Buffer.alloc(length, 1), hashed, options), 'INVALID_REQUEST')
    }
  })

  test('B41 neither has formats or contexts', async () => {
    for (const algorithm of ['ED25519_SHA_512', 'ED25519_PH_SHA_512'] as const) {
      await expectCode(key.sign(message, { algorithm, format: 'DER' }), 'INVALID_REQUEST')
      await expectCode(key.sign(message, { algorithm, format: 'P1363' }), 'INVALID_REQUEST')
      await expectCode(key.sign(message, { algorithm, signingContext: Buffer.alloc(0) }), 'INVALID_REQUEST')
    }
  })
})

describe.each(['ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87'] as const)('%s', async (spec) => {
  const key = await kms.keys.create({ spec })
  const context = (length: number): Buffer => Buffer.alloc(length, 7)

  test('B42 binds a context of up to 255 bytes, none being the empty one', async () => {
    for (const length of [0, 1, 255]) {
      const { signature } = await key.sign(message, { signingContext: context(length) })
      const valid = async (signingContext?: Buffer): Promise<boolean> =>
        (await key.verify(message, signature, { signingContext })).valid
      expect(await valid(context(length))).toBe(true)
      expect([await valid(), await valid(context(0))]).toEqual([length === 0, length === 0])
      expect(await valid(context(2))).toBe(false)
    }
  })

  test('B42 refuses a context of 256 bytes, or one that is no bytes', async () => {
    for (const odd of [context(256), context(1 << 20), 'text', [1], 1, {}] as never[]) {
      await expectCode(key.sign(message, { signingContext: odd }), 'INVALID_REQUEST')
      await expectCode(key.verify(message, Buffer.alloc(1), { signingContext: odd }), 'INVALID_REQUEST')
    }
  })

  test('B42 a context is not the beginning of the message', async () => {
    const { signature } = await key.sign('bc', { signingContext: Buffer.from('a') })
    expect((await key.verify('c', signature, { signingContext: Buffer.from('ab') })).valid).toBe(false)
    expect((await key.verify('abc', signature)).valid).toBe(false)
  })

  test('B41 signs messages, not digests, and in one format', async () => {
    await expectCode(key.sign(digest, { messageType: 'DIGEST' }), 'INVALID_REQUEST')
    await expectCode(key.verify(digest, Buffer.alloc(1), { messageType: 'DIGEST' }), 'INVALID_REQUEST')
    await expectCode(key.sign(message, { format: 'P1363' }), 'INVALID_REQUEST')
  })

  test('B35 a signature too short, too long, empty or flipped is not valid', async () => {
    const { signature } = await key.sign(message)
    const flipped = Buffer.from(signature)
    flipped[flipped.length >> 1]! ^= 1
    const wrong = [flipped, signature.subarray(1), Buffer.concat([signature, Buffer.alloc(1)]), Buffer.alloc(0)]
    for (const odd of wrong) expect((await key.verify(message, odd)).valid).toBe(false)
    expect((await key.verify(message, signature)).valid).toBe(true)
  })
})

describe('a message', async () => {
  const key = await kms.keys.create({ spec: 'ECC_NIST_EDWARDS25519' })
  const macs = await kms.keys.create({ spec: 'HMAC_256' })

  test('B41 longer than 64 MiB is refused before anything is done with it', async () => {
    const long = Buffer.alloc(64 * 1024 * 1024 + 1)
    await expectCode(key.sign(long), 'LIMIT_EXCEEDED')
    await expectCode(key.verify(long, Buffer.alloc(64)), 'LIMIT_EXCEEDED')
    await expectCode(macs.generateMac(long), 'LIMIT_EXCEEDED')
    await expectCode(macs.verifyMac(long, Buffer.alloc(32)), 'LIMIT_EXCEEDED')
  })

  test.each([0, 1, 65_535, 65_536, 65_537, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])(
    'B41 of %i bytes is signed and authenticated',
    async (length) => {
      const bytes = Buffer.alloc(length, 3)
      const { signature } = await key.sign(bytes)
      const { mac } = await macs.generateMac(bytes)
      expect((await key.verify(bytes, signature)).valid).toBe(true)
      expect((await macs.verifyMac(bytes, mac)).valid).toBe(true)
      const longer = Buffer.alloc(length + 1, 3)
      expect((await key.verify(longer, signature)).valid).toBe(false)
      expect((await macs.verifyMac(longer, mac)).valid).toBe(false)
    },
  )

  test('B41 as text stands for its UTF-8 bytes, and has to be well-formed', async () => {
    const { signature } = await key.sign('Grüße')
    expect((await key.verify(Buffer.from('Grüße', 'utf8'), signature)).valid).toBe(true)
    for (const odd of ['\uD800', undefined, null, 1, {}, [1], new ArrayBuffer(4)] as never[]) {
      await expectCode(key.sign(odd), 'INVALID_REQUEST')
      await expectCode(macs.generateMac(odd), 'INVALID_REQUEST')
    }
  })

  test('B41 that its caller changes while it is signed is signed as it was', async () => {
    const rsa = await kms.keys.create({ spec: 'RSA_2048', usage: 'SIGN_VERIFY' })
    for (const signer of [key, rsa]) {
      const bytes = Buffer.alloc(100_000, 1)
      const signing = signer.sign(bytes)
      bytes.fill(2)
      const { signature } = await signing
      expect((await signer.verify(Buffer.alloc(100_000, 1), signature)).valid).toBe(true)
    }
  })
})
