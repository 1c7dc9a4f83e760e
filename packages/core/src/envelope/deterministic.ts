import { equalBytes } from '../crypto/hash.ts'
import { expandSha512 } from '../crypto/secret-key.ts'
import { sivBytes, sivKeyBytes, sivOpen, sivSeal, withSivKey } from '../crypto/siv.ts'
import type { EncodedContext, Material } from '../stages.ts'
import { headerBytes, uuidOf } from './header.ts'
import { invalidCiphertext } from './open.ts'

const magic = Buffer.from('CS1', 'latin1')
const label = Buffer.from('chatelaine/cs1\0', 'latin1')
const commitmentBytes = 32
/** How much longer a message is than its value. */
export const deterministicOverhead: number = headerBytes + commitmentBytes + sivBytes
const suite = 0x01

/** Who sealed a CS1 message. */
export interface DeterministicHeader {
  /** The key's id, a UUID in lower case. */
  readonly keyId: string
  readonly keyVersion: number
}

/** Reads the header of a CS1 message; `undefined` for what is not, or too short to be, one. */
export function parseDeterministicHeader(message: Buffer): DeterministicHeader | undefined {
  if (message.length < deterministicOverhead || !message.subarray(0, 3).equals(magic)) return undefined
  const keyVersion = message.readUInt32BE(20)
  if (message[3] !== suite || keyVersion === 0) return undefined
  return { keyId: uuidOf(message), keyVersion }
}

/**
 * Seals a CS1 message: the same plaintext under the same key version and encryption context is the same message.
 *
 * ```text
 * CS1 = H ‖ commitment 32 ‖ V 16 ‖ C                   H = "CS1" ‖ 01 ‖ keyId 16 ‖ keyVersion u32
 * OKM = HKDF-Expand-SHA-512(material, "chatelaine/cs1" 00 ‖ H ‖ EC, 96) = SIV key 64 ‖ commitment 32
 * V ‖ C = AES-SIV(SIV key, associated data H, EC; plaintext)          RFC 5297
 * ```
 *
 * AES-SIV alone does not commit to its key; what is derived beside its key does, to key, version and context.
 */
export function sealDeterministic(material: Material, plaintext: Buffer, context: EncodedContext): Buffer {
  const header = encodeHeader(material)
  const derived = derive(material, header, context)
  const commitment = Buffer.from(derived.subarray(sivKeyBytes))
  const sealed = withSivKey(derived, (key) => sivSeal(key, [header, context.bytes], plaintext))
  return Buffer.concat([header, commitment, sealed])
}

/** The inverse of {@link sealDeterministic}. @throws InvalidCiphertextError */
export function openDeterministic(material: Material, message: Buffer, context: EncodedContext): Buffer {
  const header = message.subarray(0, headerBytes)
  const derived = derive(material, header, context)
  const body = message.subarray(headerBytes)
  const opened = withSivKey(derived, (key) => {
    if (!equalBytes(derived.subarray(sivKeyBytes), body.subarray(0, commitmentBytes))) {
      throw invalidCiphertext('the commitment is to another key or context')
    }
    return sivOpen(key, [header, context.bytes], body.subarray(commitmentBytes))
  })
  if (opened === undefined) throw invalidCiphertext('the message is not authentic')
  return opened
}

function derive({ secret }: Material, header: Buffer, context: EncodedContext): Buffer {
  return expandSha512(secret, Buffer.concat([label, header, context.bytes]), sivKeyBytes + commitmentBytes)
}

function encodeHeader({ keyId, keyVersion }: Material): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes)
  bytes.set(magic)
  bytes[3] = suite
  bytes.write(keyId.replaceAll('-', ''), 4, 16, 'hex')
  bytes.writeUInt32BE(keyVersion, 20)
  return bytes
}
