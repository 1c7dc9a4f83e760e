import { constants, createPrivateKey, createPublicKey, privateDecrypt, privateEncrypt } from 'node:crypto'
import { publicEncrypt, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { expectCode, makeWorld, recordOf, settle } from '../support/kms.ts'
import { goodNumbers, pkcs8Of } from './rsa-keys.ts'

const world = await makeWorld()
const { kms } = world

const material = { format: 'pkcs8', bytes: pkcs8Of(goodNumbers) } as const
const origin = 'EXTERNAL'
const key = await kms.keys.create({ name: 'r', spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT', origin, material })
const privateKey = createPrivateKey({ key: material.bytes, format: 'der', type: 'pkcs8' })
const publicKey = createPublicKey(privateKey)
const plaintext = Buffer.from('plaintext')
const oaep = { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
const withPadding = (padding: number, bytes: Buffer): Buffer => publicEncrypt({ key: publicKey, padding }, bytes)

describe('PKCS#1 v1.5 encryption', () => {
  const old = withPadding(constants.RSA_PKCS1_PADDING, plaintext)

  test.each([
    'RSAES_PKCS1_V1_5',
    'RSA_PKCS1_PADDING',
    'RSA1_5',
    'RSAES_OAEP_SHA_1 ',
    'rsaes_oaep_sha_256',
    'RSA_NO_PADDING',
    'NONE',
    '',
    1,
    3,
    null,
    ['RSAES_PKCS1_V1_5'],
    '__proto__',
    'constructor',
  ])('B30 is not reached by asking for the algorithm %j', async (algorithm) => {
    const asked = { key: 'r', algorithm } as never as { key: string }
    await expectCode(kms.decrypt({ ...asked, ciphertext: old }), 'INVALID_REQUEST')
    await expectCode(kms.encrypt({ ...asked, plaintext }), 'INVALID_REQUEST')
    await expectCode(kms.decryptMany({ items: [{ ...asked, ciphertext: old }] }), 'INVALID_REQUEST')
  })

  test.each(['padding', 'oaepHash', 'oaepLabel', 'encoding', 'mgf1Hash', 'saltLength', 'type', 'passphrase'])(
    'B30 is not reached by the option %s: there is none',
    async (option) => {
      const asked = { key: 'r', [option]: 1 } as never as { key: string }
      await expectCode(kms.decrypt({ ...asked, ciphertext: old }), 'INVALID_REQUEST')
      await expectCode(kms.encrypt({ ...asked, plaintext }), 'INVALID_REQUEST')
    },
  )

  test('B30 is not opened by any algorithm there is, and looks like all that does not open', async () => {
    const errors = [undefined, 'RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1'] as const
    for (const algorithm of errors) await expectCode(key.decrypt(old, { algorithm }), 'INVALID_CIPHERTEXT')
  })
})

describe('raw RSA', () => {
  test('B32 is not reached: neither what was encrypted without padding opens, nor what was signed', async () => {
    const block = Buffer.concat([Buffer.alloc(1), randomBytes(255)])
    const bare = withPadding(constants.RSA_NO_PADDING, block)
    const reversed = privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block)
    for (const ciphertext of [bare, reversed, block, Buffer.alloc(256), Buffer.alloc(256, 0xff)]) {
      await expectCode(key.decrypt(ciphertext), 'INVALID_CIPHERTEXT')
    }
  })

  test('B32 ciphertexts differ every time: nothing is encrypted without randomness', async () => {
    const made = await Promise.all(Array.from({ length: 4 }, async () => key.encrypt(plaintext)))
    expect(new Set(made.map(({ ciphertext }) => ciphertext.toString('hex'))).size).toBe(4)
  })
})

/** Ways for an RSA ciphertext not to open. */
const hopeless: Readonly<Record<string, Buffer>> = {
  'no bytes': Buffer.alloc(0),
  'one byte': Buffer.alloc(1),
  'a byte too few': publicEncrypt(oaep, plaintext).subarray(0, -1),
  'a byte too many': Buffer.concat([publicEncrypt(oaep, plaintext), Buffer.alloc(1)]),
  'a zero in front': Buffer.concat([Buffer.alloc(1), publicEncrypt(oaep, plaintext)]),
  zeros: Buffer.alloc(256),
  'more than the modulus': Buffer.alloc(256, 0xff),
  'the modulus': Buffer.from(goodNumbers.n.toString(16), 'hex'),
  'random bytes': Buffer.concat([Buffer.alloc(1, 1), randomBytes(255)]),
  'SHA-1 for the hash': publicEncrypt({ ...oaep, oaepHash: 'sha1' }, plaintext),
  'SHA-512 for the hash': publicEncrypt({ ...oaep, oaepHash: 'sha512' }, plaintext),
  'a label': publicEncrypt({ ...oaep, oaepLabel: Buffer.from('label') }, plaintext),
  'PKCS#1 v1.5': withPadding(constants.RSA_PKCS1_PADDING, plaintext),
  'a leading byte of 1': withPadding(constants.RSA_NO_PADDING, Buffer.concat([Buffer.alloc(1, 1), Buffer.alloc(255)])),
  'a flipped bit': flipped(publicEncrypt(oaep, plaintext)),
  'a message of AES': Buffer.from('CM1 but not really'),
}

function flipped(bytes: Buffer): Buffer {
  bytes[255]! ^= 1
  return bytes
}

describe('what does not open under OAEP', () => {
  const shapeOf = async (ciphertext: Buffer): Promise<unknown> => {
    let error: Error | undefined
    const record = await recordOf(world, async () => {
      error = await expectCode(key.decrypt(ciphertext), 'INVALID_CIPHERTEXT')
    })
    const { status, code, reason, details, keyVersion } = record
    return {
      told: [String(error), Object.entries(error ?? {}), error?.cause],
      recorded: [status, code, reason, details, keyVersion],
    }
  }

  test.each(Object.entries(hopeless))('B31 for %s is one error, told and recorded the same', async (_, ciphertext) => {
    expect(await shapeOf(ciphertext)).toEqual(await shapeOf(hopeless['zeros']!))
  })

  test('B31 for a message that is not of this key either', async () => {
    const other = await kms.keys.create({ spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' })
    const { ciphertext } = await other.encrypt(plaintext)
    expect(await shapeOf(ciphertext)).toEqual(await shapeOf(hopeless['zeros']!))
  })

  test('B31 good ones in between open, so that no error sticks to the key', async () => {
    for (const ciphertext of Object.values(hopeless)) {
      await settle(key.decrypt(ciphertext))
      expect((await key.decrypt(publicEncrypt(oaep, plaintext))).plaintext).toEqual(plaintext)
    }
  })

  test('B31 is the same error for a version of the key that never made it', async () => {
    const { ciphertext } = await key.encrypt(plaintext)
    expect((await key.decrypt(ciphertext, { keyVersion: 1 })).plaintext).toEqual(plaintext)
    await expectCode(key.decrypt(ciphertext, { keyVersion: 2 }), 'INVALID_CIPHERTEXT')
  })

  test('A24 a version that does not exist is told like a ciphertext that does not open', async () => {
    const { ciphertext } = await key.encrypt(plaintext)
    const [unknown, wrong] = [key.decrypt(ciphertext, { keyVersion: 2 }), key.decrypt(Buffer.alloc(256))]
    expect(String(await settle(unknown))).toBe(String(await settle(wrong)))
  })
})

describe('OAEP', () => {
  test('B31 has an empty label and one hash for all, so that others open what is encrypted here', async () => {
    const { ciphertext } = await key.encrypt(plaintext, { algorithm: 'RSAES_OAEP_SHA_256' })
    expect(privateDecrypt({ ...oaep, key: privateKey }, ciphertext)).toEqual(plaintext)
  })

  test('B31 takes 190 bytes under 2048 bits, and no more', async () => {
    for (const length of [0, 1, 190]) {
      const { ciphertext } = await key.encrypt(Buffer.alloc(length, 7))
      expect((await key.decrypt(ciphertext)).plaintext).toEqual(Buffer.alloc(length, 7))
    }
    for (const length of [191, 256, 1 << 20]) await expectCode(key.encrypt(Buffer.alloc(length)), 'LIMIT_EXCEEDED')
  })

  test('B31 binds no context, and takes none rather than forget it', async () => {
    const context = { a: 'b' }
    await expectCode(key.encrypt(plaintext, { context }), 'INVALID_REQUEST')
    await expectCode(key.decrypt(publicEncrypt(oaep, plaintext), { context }), 'INVALID_REQUEST')
    for (const envelope of ['derived', 'wrapped'] as const) {
      await expectCode(key.encrypt(plaintext, { envelope }), 'INVALID_REQUEST')
    }
  })

  test('B34 with SHA-1 opens what others made, and is made no more', async () => {
    const old = publicEncrypt({ ...oaep, oaepHash: 'sha1' }, plaintext)
    expect((await key.decrypt(old, { algorithm: 'RSAES_OAEP_SHA_1' })).plaintext).toEqual(plaintext)
    await expectCode(
      key.decrypt(publicEncrypt(oaep, plaintext), { algorithm: 'RSAES_OAEP_SHA_1' }),
      'INVALID_CIPHERTEXT',
    )
    const made = key.encrypt(plaintext, { algorithm: 'RSAES_OAEP_SHA_1' as 'RSAES_OAEP_SHA_256' })
    await expectCode(made, 'INVALID_REQUEST')
    expect((await key.getPublicKey()).algorithms).toContain('RSAES_OAEP_SHA_256')
  })

  test('B36 is no CM1: data keys and re-encryption are for AES keys', async () => {
    const { ciphertext } = await key.encrypt(plaintext)
    await expectCode(kms.generateDataKey({ key: 'r' }), 'INVALID_KEY_USAGE')
    await expectCode(kms.generateDataKeyWithoutPlaintext({ key: 'r' }), 'INVALID_KEY_USAGE')
    await expectCode(kms.reEncrypt({ ciphertext, key: 'r' }), 'INVALID_CIPHERTEXT')
    await expectCode(kms.decryptDataKey({ ciphertext, key: 'r' }), 'INVALID_CIPHERTEXT')
    await expectCode(kms.decrypt({ ciphertext }), 'INVALID_CIPHERTEXT')
    const aes = await kms.keys.create({ spec: 'AES_256' })
    const sealed = await aes.encrypt(plaintext)
    await expectCode(key.decrypt(sealed.ciphertext), 'INVALID_CIPHERTEXT')
    await expectCode(key.reEncrypt(sealed.ciphertext), 'INVALID_KEY_USAGE')
    await expectCode(aes.decrypt(ciphertext), 'INVALID_CIPHERTEXT')
    await expectCode(aes.decrypt(sealed.ciphertext, { algorithm: 'RSAES_OAEP_SHA_256' }), 'INVALID_REQUEST')
  })
})
