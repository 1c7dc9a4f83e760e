import { parseDeterministicHeader } from '../../envelope/deterministic.ts'
import { parseHeader } from '../../envelope/header.ts'
import { invalidCiphertext } from '../../envelope/open.ts'
import { isKmsError } from '../../errors.ts'
import type { Walk } from '../../runtime.ts'
import type { KeyRow } from '../../state/rows.ts'
import { ciphertext, keyReference, type Ciphertext } from './fields.ts'

/** A ciphertext to ask about. */
export interface NeedsReEncryptRequest {
  /** What `encrypt`, `generateDataKey` or `deterministicEncrypt` returned: bytes, or their canonical base64url. */
  readonly ciphertext: Ciphertext
  /** The key that it should be under: id or name. @defaultValue the one that it is under */
  readonly key?: string | undefined
}

/** How a ciphertext stands to the current version of a key. Nothing of it was opened: what is forged is not noticed. */
export interface NeedsReEncryptResult {
  /** Whether it is under anything but the current version of the key. */
  readonly needed: boolean
  /** The key that it is under. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
  /** The version that it should be under. */
  readonly currentVersion: number
}

/** The fields of {@link NeedsReEncryptRequest}, for schemas. */
export const needsReEncryptFields = { ciphertext, key: keyReference.optional() }

/** Compares what a ciphertext says of itself with the current version of its key, or of another. */
export async function needOf(
  walk: Walk,
  request: { readonly ciphertext: Buffer; readonly key?: string | undefined },
): Promise<NeedsReEncryptResult> {
  const header = parseHeader(request.ciphertext) ?? parseDeterministicHeader(request.ciphertext)
  if (header === undefined) throw invalidCiphertext('neither a CM1 nor a CS1 message')
  const { keyId, keyVersion } = header
  const { id, currentVersion } = await (request.key === undefined
    ? keyOf(walk, keyId)
    : walk.key('describeKey', request.key))
  if (id === keyId && keyVersion > currentVersion) throw invalidCiphertext('no such version')
  return { needed: id !== keyId || keyVersion !== currentVersion, keyId, keyVersion, currentVersion }
}

/** A key that only a ciphertext speaks of is no more missing than the ciphertext is wrong. */
async function keyOf(walk: Walk, keyId: string): Promise<KeyRow> {
  try {
    return await walk.key('describeKey', keyId)
  } catch (error) {
    if (isKmsError(error, 'KEY_NOT_FOUND')) throw invalidCiphertext('no such key')
    throw error
  }
}
