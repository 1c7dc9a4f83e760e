import type { KeyWrapping } from '../crypto/key-wrapping.ts'
import { keyWrappings } from '../crypto/key-wrapping.ts'
import { isKmsError } from '../errors.ts'
import { allocate, asBuffer, copyBytes, wipe } from '../internal/bytes.ts'
import type { KeyRow } from '../state/rows.ts'
import type { Keyring } from './keyring.ts'
import { keyIdentity, wrapTypes, type Identity } from './wrapping.ts'

/** How long a token is good. */
export const importTokenLifetimeMs = 86_400_000
const epochBytes = 4
/** Where a CW1 text names its version. */
const versionAt = epochBytes + 20
const headBytes = 9

/** What an import token says. */
export interface ImportToken {
  /** The version that the material is for. */
  readonly version: number
  readonly wrapping: KeyWrapping
  /** When it ends, in milliseconds since 1970. */
  readonly expiresAt: number
  /** The private half of the wrapping key, in PKCS#8. Whoever opens a token wipes it. */
  readonly privateKey: Buffer
}

/**
 * Everything that an import needs, sealed under the keyring, so that any process of the house can do it and none has to
 * remember anything:
 *
 * ```text
 * token = epoch u32 ‖ CW1(type 0x10, key id, version, { exportable, origin, spec, tenant, usage })
 * sealed: wrapping algorithm u8 ‖ expires at u64, in milliseconds since 1970 ‖ wrapping key, PKCS#8
 * ```
 *
 * It opens for its key, in its tenant, for its version and nothing else. It does not say that it is used only once.
 */
export function sealToken(keyring: Keyring, key: KeyRow, token: ImportToken): Buffer {
  const plaintext = allocate(headBytes + token.privateKey.length)
  plaintext[0] = token.wrapping.code
  plaintext.writeBigUInt64BE(BigInt(token.expiresAt), 1)
  plaintext.set(token.privateKey, headBytes)
  const epoch = Buffer.allocUnsafe(epochBytes)
  epoch.writeUInt32BE(keyring.epoch)
  const sealed = copyBytes(Buffer.concat([epoch, keyring.wrap(tokenIdentity(key, token.version), plaintext)]))
  wipe(plaintext)
  return sealed
}

/** The inverse of {@link sealToken}; `undefined` for whatever is no token of this key. */
export function openToken(keyring: Keyring, key: KeyRow, token: Uint8Array): ImportToken | undefined {
  const bytes = asBuffer(token)
  if (bytes.length < versionAt + 4) return undefined
  const version = bytes.readUInt32BE(versionAt)
  const plaintext = unwrapped(keyring, tokenIdentity(key, version), bytes)
  const wrapping = keyWrappings.find(({ code }) => code === plaintext?.[0])
  if (plaintext === undefined || wrapping === undefined) return undefined
  const expiresAt = Number(plaintext.readBigUInt64BE(1))
  return { version, wrapping, expiresAt, privateKey: plaintext.subarray(headBytes) }
}

/** Nobody has tampered with the storage where a token does not open: callers bring those. */
function unwrapped(keyring: Keyring, identity: Identity, token: Buffer): Buffer | undefined {
  try {
    return keyring.unwrap(token.readUInt32BE(0), identity, token.subarray(epochBytes))
  } catch (error) {
    if (isKmsError(error, 'STORAGE_TAMPERED')) return undefined
    throw error
  }
}

function tokenIdentity(key: KeyRow, version: number): Identity {
  return { ...keyIdentity(key, version, 'symmetric'), type: wrapTypes.importToken }
}
