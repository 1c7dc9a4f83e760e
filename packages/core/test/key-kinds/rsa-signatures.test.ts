import { constants, createHash, createPrivateKey, createPublicKey, privateEncrypt, sign, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { SigningAlgorithmName } from '../../src/index.ts'
import { expectCode, makeWorld } from '../support/kms.ts'
import { goodNumbers, pkcs8Of } from './rsa-keys.ts'

const { kms } = await makeWorld()

const material = { format: 'pkcs8', bytes: pkcs8Of(goodNumbers) } as const
const key = await kms.keys.create({ name: 'r', spec: 'RSA_2048', usage: 'SIGN_VERIFY', origin: 'EXTERNAL', material })
const privateKey = createPrivateKey({ key: material.bytes, format: 'der', type: 'pkcs8' })
const publicKey = createPublicKey(privateKey)
const message = Buffer.from('message')
const hashes = { 256: 'sha256', 384: 'sha384', 512: 'sha512' } as const
const sizes = [256, 384, 512] as const
const digestOf = (size: keyof typeof hashes): Buffer => createHash(hashes[size]).update(message).digest()

/** Whether a signature is valid, asked with the message and with its digest, which must agree. */
async function isValid(algorithm: SigningAlgorithmName, signature: Uint8Array): Promise<boolean> {
  const size = Number(algorithm.slice(-3)) as keyof typeof hashes
  const raw = await key.verify(message, signature, { algorithm })
  const digest = await key.verify(digestOf(size), signature, { algorithm, messageType: 'DIGEST' })
  expect(digest.valid).toBe(raw.valid)
  return raw.valid
}

describe.each(sizes)('RSASSA-PSS with SHA-%i', (size) => {
  const algorithm = `RSASSA_PSS_SHA_${size}` as const
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING } as const
  const most = 256 - size / 8 - 2

  test('B33 makes salts as long as the digest, of messages and of digests', async () => {
    for (const [bytes, messageType] of [
      [message, 'RAW'],
      [digestOf(size), 'DIGEST'],
    ] as const) {
      const { signature } = await key.sign(bytes, { algorithm, messageType })
      const accepts = (saltLength: number): boolean =>
        verify(hashes[size], message, { key: publicKey, ...pss, saltLength }, signature)
      expect([accepts(size / 8), accepts(size / 8 - 1), accepts(0), accepts(most)]).toEqual([true, false, false, false])
      expect(await isValid(algorithm, signature)).toBe(true)
    }
  })

  test.each([0, 1, 20, size / 8 - 1, size / 8 + 1, most])(
    'B33 does not accept a salt of %i bytes',
    async (saltLength) => {
      const signature = sign(hashes[size], message, { key: privateKey, ...pss, saltLength })
      expect(verify(hashes[size], message, { key: publicKey, ...pss }, signature)).toBe(true)
      expect(await isValid(algorithm, signature)).toBe(false)
    },
  )

  test('B33 accepts the salt of that length that somebody else made', async () => {
    const signature = sign(hashes[size], message, { key: privateKey, ...pss, saltLength: size / 8 })
    expect(await isValid(algorithm, signature)).toBe(true)
  })

  test('B33 signatures are not deterministic', async () => {
    for (const [bytes, messageType] of [
      [message, 'RAW'],
      [digestOf(size), 'DIGEST'],
    ] as const) {
      const [one, other] = [
        await key.sign(bytes, { algorithm, messageType }),
        await key.sign(bytes, { algorithm, messageType }),
      ]
      expect(one.signature).not.toEqual(other.signature)
    }
  })

  test.each(sizes.filter((other) => other !== size))('B33 does not accept SHA-%i instead', async (other) => {
    const { signature } = await key.sign(message, { algorithm: `RSASSA_PSS_SHA_${other}` })
    expect(await isValid(algorithm, signature)).toBe(false)
  })
})

describe.each(sizes)('RSASSA-PKCS1-v1_5 with SHA-%i', (size) => {
  const algorithm = `RSASSA_PKCS1_V1_5_SHA_${size}` as const

  test('B32 is what everybody else makes of the message, also of its digest', async () => {
    const expected = sign(hashes[size], message, privateKey)
    const raw = await key.sign(message, { algorithm })
    const digest = await key.sign(digestOf(size), { algorithm, messageType: 'DIGEST' })
    expect([raw.signature, digest.signature]).toEqual([expected, expected])
    expect(await isValid(algorithm, expected)).toBe(true)
  })

  test('B32 does not accept a digest without its DigestInfo, nor one with another hash in it', async () => {
    const bare = privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, digestOf(size))
    expect(await isValid(algorithm, bare)).toBe(false)
    const other = size === 256 ? 512 : 256
    expect(
      await isValid(algorithm, (await key.sign(message, { algorithm: `RSASSA_PKCS1_V1_5_SHA_${other}` })).signature),
    ).toBe(false)
  })

  test('B32 does not accept what Bleichenbacher forged: too little padding, and rubbish after the digest', async () => {
    const info = Buffer.from(
      {
        256: '3031300d060960864801650304020105000420',
        384: '3041300d060960864801650304020205000430',
        512: '3051300d060960864801650304020305000440',
      }[size],
      'hex',
    )
    const genuine = [
      Buffer.from([0, 1]),
      Buffer.alloc(256 - 3 - info.length - size / 8, 0xff),
      Buffer.alloc(1),
      info,
      digestOf(size),
    ]
    const raw = (...parts: Buffer[]): Buffer =>
      privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, Buffer.concat(parts))
    expect(await isValid(algorithm, raw(...genuine))).toBe(true)
    const filler = Buffer.alloc(256 - 11 - info.length - size / 8)
    expect(
      await isValid(algorithm, raw(Buffer.from('0001ffffffffffffffff00', 'hex'), info, digestOf(size), filler)),
    ).toBe(false)
    const longer = Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(genuine[1]!.length + 2, 0xff), Buffer.alloc(1)])
    const withoutNull = Buffer.from(info)
    const [first, second] = [withoutNull[1]! - 2, withoutNull[3]! - 2]
    const without = Buffer.concat([Buffer.from([0x30, first, 0x30, second]), info.subarray(4, 15), info.subarray(17)])
    expect(await isValid(algorithm, raw(longer, without, digestOf(size)))).toBe(false)
    const type2 = [Buffer.from([0, 2]), ...genuine.slice(1)]
    expect(await isValid(algorithm, raw(...type2))).toBe(false)
  })
})

describe('a digest to sign', () => {
  const algorithms = sizes.flatMap((size) => [`RSASSA_PSS_SHA_${size}`, `RSASSA_PKCS1_V1_5_SHA_${size}`] as const)

  test.each(algorithms)('B32 by %s has the length of its hash, and no other', async (algorithm) => {
    const right = Number(algorithm.slice(-3)) / 8
    for (const length of [0, 1, 16, 20, 28, 32, 36, 48, 64, 245, 256].filter((bytes) => bytes !== right)) {
      const digest = Buffer.alloc(length, 7)
      const options = { algorithm, messageType: 'DIGEST' } as const
      await expectCode(key.sign(digest, options), 'INVALID_REQUEST')
      await expectCode(key.verify(digest, Buffer.alloc(256), options), 'INVALID_REQUEST')
    }
  })
})

describe('a signature that is no number below the modulus', () => {
  const odd = {
    'of no bytes': Buffer.alloc(0),
    'of one byte': Buffer.alloc(1),
    'of 255 bytes': Buffer.alloc(255, 1),
    'of 257 bytes': Buffer.alloc(257),
    'of zeros': Buffer.alloc(256),
    'of one': Buffer.concat([Buffer.alloc(255), Buffer.alloc(1, 1)]),
    'of the modulus': Buffer.from(goodNumbers.n.toString(16), 'hex'),
    'of the modulus less one': Buffer.from((goodNumbers.n - 1n).toString(16), 'hex'),
    'beyond the modulus': Buffer.alloc(256, 0xff),
  }

  test.each(Object.entries(odd))('B35 %s is not valid by any algorithm', async (_, signature) => {
    for (const size of sizes) {
      expect(await isValid(`RSASSA_PSS_SHA_${size}`, signature)).toBe(false)
      expect(await isValid(`RSASSA_PKCS1_V1_5_SHA_${size}`, signature)).toBe(false)
    }
  })

  test('B35 plus the modulus, or with a zero in front, is not valid', async () => {
    const { signature } = await key.sign(message)
    const sum = (BigInt(`0x${signature.toString('hex')}`) + goodNumbers.n).toString(16)
    const wrapped = Buffer.from(sum.padStart(sum.length + (sum.length % 2), '0'), 'hex')
    expect(await isValid('RSASSA_PSS_SHA_256', wrapped)).toBe(false)
    expect(await isValid('RSASSA_PSS_SHA_256', Buffer.concat([Buffer.alloc(1), signature]))).toBe(false)
  })
})

describe('old hashes', () => {
  test.each([
    'RSASSA_PKCS1_V1_5_SHA_1',
    'RSASSA_PSS_SHA_1',
    'RSASSA_PKCS1_V1_5_MD5',
    'RSASSA_PKCS1_V1_5_SHA_224',
    'ECDSA_SHA_1',
    'HMAC_SHA_1',
    'HMAC_MD5',
    'RSA-SHA1',
    'sha1',
    'md5',
    '',
  ])('B34 cannot be asked for as %j, neither to sign nor to verify nor to authenticate', async (name) => {
    const algorithm = name as never
    await expectCode(key.sign(message, { algorithm }), 'INVALID_REQUEST')
    await expectCode(key.verify(message, Buffer.alloc(256), { algorithm }), 'INVALID_REQUEST')
    const macs = await kms.keys.ensure({ name: 'm', spec: 'HMAC_256' })
    await expectCode(macs.generateMac(message, { algorithm }), 'INVALID_REQUEST')
    await expectCode(macs.verifyMac(message, Buffer.alloc(32), { algorithm }), 'INVALID_REQUEST')
  })

  test.each(['sha1', 'md5', 'sha224', 'RSA-MD5-SHA1'.replace('RSA-', '').toLowerCase()])(
    'B34 signatures with %s are not valid',
    async (hash) => {
      const signature = sign(hash, message, privateKey)
      for (const size of sizes) expect(await isValid(`RSASSA_PKCS1_V1_5_SHA_${size}`, signature)).toBe(false)
    },
  )

  test('B34 no algorithm that a key names has them', async () => {
    const { algorithms } = await key.getPublicKey()
    expect(algorithms).toHaveLength(6)
    expect(algorithms.filter((name) => /SHA_1$|MD5|SHA_224/.test(name))).toEqual([])
    expect(algorithms[0]).toBe('RSASSA_PSS_SHA_256')
  })
})
