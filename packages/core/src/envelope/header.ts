import { prefixBytes, tagBytes } from '../crypto/chunked-encryption.ts'
import { suites, type Suite } from './suite.ts'

const magic = Buffer.from('CM1', 'latin1')

/** Length of {@link Header}. */
export const headerBytes = 24
/** Length of an encrypted data key: salt 24 ‖ commitment 32 ‖ ciphertext 32 ‖ tag 16. */
export const encryptedDataKeyBytes = 104

/**
 * The clear beginning of every CM1 message, authenticated as part of the context.
 *
 * ```text
 * "CM1" ‖ suite u8 ‖ keyId 16 ‖ keyVersion u32      big-endian, keyVersion ≥ 1
 * ```
 */
export interface Header {
  readonly suite: Suite
  /** The key's id, a UUID in lower case. */
  readonly keyId: string
  readonly keyVersion: number
}

/** Writes a header. */
export function encodeHeader(header: Header): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes)
  bytes.set(magic)
  bytes[3] = header.suite.code
  bytes.set(idBytes(header.keyId), 4)
  bytes.writeUInt32BE(header.keyVersion, 20)
  return bytes
}

let lastId = { id: '', bytes: Buffer.alloc(0) }

/** The bytes of an id. Who encrypts much does it with few keys: the last one is remembered. */
function idBytes(id: string): Buffer {
  if (id !== lastId.id) lastId = { id, bytes: Buffer.from(id.replaceAll('-', ''), 'hex') }
  return lastId.bytes
}

/** Reads a header; `undefined` for what is not, or too short to be, a CM1 message. */
export function parseHeader(message: Buffer): Header | undefined {
  if (message.length < headerBytes || !message.subarray(0, 3).equals(magic)) return undefined
  const suite = suites.get(message.readUInt8(3))
  if (suite === undefined || message.length < shortest(suite)) return undefined
  const keyVersion = message.readUInt32BE(20)
  if (keyVersion === 0) return undefined
  return { suite, keyId: uuidOf(message), keyVersion }
}

/** Where the body of a message begins, with its salt. */
export function bodyOffset(suite: Suite): number {
  return headerBytes + (suite.wrapped ? encryptedDataKeyBytes : 0)
}

function shortest(suite: Suite): number {
  return bodyOffset(suite) + prefixBytes + tagBytes
}

/** With so many bytes of a message, or all that it has, its {@link Header} is read, and what its body is under. */
export const longestHead: number = headerBytes + encryptedDataKeyBytes + prefixBytes + tagBytes

/** The id in a header, from byte 4 on. */
export function uuidOf(message: Buffer): string {
  const hex = message.toString('hex', 4, 20)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
