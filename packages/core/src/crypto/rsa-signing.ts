import { constants, privateEncrypt, publicDecrypt, type KeyObject } from 'node:crypto'
import { ownOnly } from '../internal/own.ts'
import { pssEncode, pssMatches } from './emsa-pss.ts'
import { equalBytes } from './hash.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { signInPool, verifyInPool, type SigningAlgorithm, type ToSign } from './signing.ts'

/** A hash function that RSA signatures are made with. */
export interface SignatureHash {
  /** OpenSSL's name. */
  readonly name: 'sha256' | 'sha384' | 'sha512'
  readonly bytes: number
  /** What stands before the digest in a DigestInfo: RFC 8017 section 9.2, note 1. */
  readonly digestInfo: Buffer
}

const digestInfo = (hex: string): Buffer => Buffer.from(hex, 'hex')

/** The SHA-2 family as far as RSA signatures use it. */
export const signatureHashes = Object.freeze({
  sha256: { name: 'sha256', bytes: 32, digestInfo: digestInfo('3031300d060960864801650304020105000420') },
  sha384: { name: 'sha384', bytes: 48, digestInfo: digestInfo('3041300d060960864801650304020205000430') },
  sha512: { name: 'sha512', bytes: 64, digestInfo: digestInfo('3051300d060960864801650304020305000440') },
}) satisfies Readonly<Record<string, SignatureHash>>

/**
 * RSASSA-PSS (RFC 8017 section 8.1), mask and message with the same hash, the salt exactly as long as the digest, on
 * both sides. A digest is encoded here, for want of it in node:crypto, which would hash it again.
 */
export function pss(name: string, hash: SignatureHash): SigningAlgorithm {
  const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: hash.bytes }
  return {
    name,
    digestBytes: hash.bytes,
    sign: async (key, message) => {
      if (message.type === 'RAW') return signInPool(hash.name, message.bytes, ownOnly({ key, ...options }))
      const encoded = pssEncode(hash, message.bytes, modulusBits(key) - 1)
      return oneAtATime(() => rawPrivate(key, atLength(encoded, modulusBytes(key))))
    },
    verify: async (key, message, signature) => {
      if (message.type === 'RAW') return verifyRaw({ hash, message, signature, input: ownOnly({ key, ...options }) })
      const encoded = rawPublic(key, signature)
      return encoded !== undefined && pssMatches({ hash, encoded, digest: message.bytes }, modulusBits(key) - 1)
    },
  }
}

/** RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2). A given digest is put into its DigestInfo here. */
export function pkcs1(name: string, hash: SignatureHash): SigningAlgorithm {
  const padding = constants.RSA_PKCS1_PADDING
  const infoOf = (digest: Buffer): Buffer => Buffer.concat([hash.digestInfo, digest])
  return {
    name,
    digestBytes: hash.bytes,
    sign: async (key, message) => {
      if (message.type === 'RAW') return signInPool(hash.name, message.bytes, ownOnly({ key, padding }))
      return oneAtATime(() => privateEncrypt(ownOnly({ key, padding }), infoOf(message.bytes)))
    },
    verify: async (key, message, signature) => {
      if (message.type === 'RAW') return verifyRaw({ hash, message, signature, input: ownOnly({ key, padding }) })
      // As RFC 8017 says: encode again and compare, so that nothing of the signature has to be parsed.
      const encoded = rawPublic(key, signature)
      return encoded !== undefined && equalBytes(encoded, pkcs1Encode(infoOf(message.bytes), modulusBytes(key)))
    },
  }
}

/** `00 01 FF … FF 00 DigestInfo`: RFC 8017 section 9.2. */
function pkcs1Encode(info: Buffer, length: number): Buffer {
  const encoded = Buffer.alloc(length, 0xff)
  encoded.set([0, 1])
  encoded[length - info.length - 1] = 0
  encoded.set(info, length - info.length)
  return encoded
}

async function verifyRaw(on: {
  hash: SignatureHash
  message: ToSign
  signature: Buffer
  input: { key: KeyObject; padding: number; saltLength?: number }
}): Promise<boolean> {
  return verifyInPool({ hash: on.hash.name, message: on.message.bytes, input: on.input, signature: on.signature })
}

/** RSASP1, on an encoding that was made here and nowhere else. */
function rawPrivate(key: KeyObject, encoded: Buffer): Buffer {
  return privateEncrypt(ownOnly({ key, padding: constants.RSA_NO_PADDING }), encoded)
}

/** RSAVP1; `undefined` for what is not a signature of this modulus. */
function rawPublic(key: KeyObject, signature: Buffer): Buffer | undefined {
  if (signature.length !== modulusBytes(key)) return undefined
  try {
    return publicDecrypt(ownOnly({ key, padding: constants.RSA_NO_PADDING }), signature)
  } catch {
    return undefined
  }
}

function modulusBits(key: KeyObject): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 0
}

function modulusBytes(key: KeyObject): number {
  return Math.ceil(modulusBits(key) / 8)
}

function atLength(bytes: Buffer, length: number): Buffer {
  return bytes.length === length ? bytes : Buffer.concat([Buffer.alloc(length - bytes.length), bytes])
}
