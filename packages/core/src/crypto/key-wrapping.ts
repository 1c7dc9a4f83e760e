import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { copyBytes, wipe } from '../internal/bytes.ts'
import { equalBytes } from './hash.ts'
import { oaepAlgorithms, oaepCapacity, oaepDecrypt, oaepEncrypt, type OaepAlgorithm } from './oaep.ts'
import { randomBytesOf, type Randomness } from './randomness.ts'
import { secretKey, type SecretKey } from './secret-key.ts'

/** What the library knows about one way to wrap key material under an RSA key. */
export interface KeyWrapping {
  /** Its name in AWS KMS. */
  readonly name: 'RSAES_OAEP_SHA_256' | 'RSA_AES_KEY_WRAP_SHA_256'
  /** What an import token calls it. */
  readonly code: number
  /** Wraps under a public key; `undefined` for what is too long. */
  readonly wrap: (key: KeyObject, material: Buffer, random: Randomness) => Buffer | undefined
  /** The inverse. `undefined` for whatever does not unwrap, which is not told apart. Whoever calls it wipes the bytes. */
  readonly unwrap: (key: KeyObject, wrapped: Buffer) => Promise<Buffer | undefined>
}

const sha256 = oaepAlgorithms.find(({ name }) => name === 'RSAES_OAEP_SHA_256') as OaepAlgorithm
const wrappingKeyBytes = 32
const blockBytes = 8
const cipher = 'id-aes256-wrap-pad'
/** The alternative initial value of RFC 5649 section 3. */
const initialValue = Buffer.from('A65959A6', 'hex')

/** Every way to wrap key material, the default first. */
export const keyWrappings: readonly KeyWrapping[] = Object.freeze([
  {
    name: 'RSA_AES_KEY_WRAP_SHA_256',
    code: 2,
    wrap: (key, material, random) => {
      const bytes = randomBytesOf(random, wrappingKeyBytes)
      try {
        const head = oaepEncrypt(key, bytes, sha256)
        return copyBytes(Buffer.concat([head, kwpWrap(secretKey(bytes), material)]))
      } finally {
        wipe(bytes)
      }
    },
    unwrap: async (key, wrapped) => {
      const headBytes = modulusBytes(key)
      const bytes = await oaepDecrypt(key, wrapped.subarray(0, headBytes), sha256)
      try {
        return bytes?.length === wrappingKeyBytes ? kwpUnwrap(secretKey(bytes), wrapped.subarray(headBytes)) : undefined
      } finally {
        if (bytes !== undefined) wipe(bytes)
      }
    },
  },
  {
    name: 'RSAES_OAEP_SHA_256',
    code: 1,
    wrap: (key, material) =>
      material.length > oaepCapacity(key, sha256) ? undefined : oaepEncrypt(key, material, sha256),
    unwrap: async (key, wrapped) => oaepDecrypt(key, wrapped, sha256),
  },
] satisfies readonly KeyWrapping[])

/** AES key wrap with padding (RFC 5649 section 4.1) under 256 bits. */
function kwpWrap(key: SecretKey, plaintext: Uint8Array): Buffer {
  const wrapper = createCipheriv(cipher, key, initialValue)
  return Buffer.concat([wrapper.update(plaintext), wrapper.final()])
}

/**
 * The inverse (section 4.2). OpenSSL is not taken at its word: what it unwraps must wrap to the same again, which is
 * possible since nothing in it is random. So there is one ciphertext of a key, and nothing else opens.
 */
function kwpUnwrap(key: SecretKey, wrapped: Buffer): Buffer | undefined {
  if (wrapped.length < 2 * blockBytes || wrapped.length % blockBytes !== 0) return undefined
  const plaintext = opened(key, wrapped)
  if (plaintext === undefined) return undefined
  if (plaintext.length > 0 && equalBytes(kwpWrap(key, plaintext), wrapped)) return plaintext
  wipe(plaintext)
  return undefined
}

function opened(key: SecretKey, wrapped: Buffer): Buffer | undefined {
  try {
    const unwrapper = createDecipheriv(cipher, key, initialValue)
    const plaintext = unwrapper.update(wrapped)
    unwrapper.final()
    return plaintext
  } catch {
    return undefined
  }
}

function modulusBytes(key: KeyObject): number {
  return (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8
}
