import { parseDeterministicHeader } from '../envelope/deterministic.ts'
import { parseHeader } from '../envelope/header.ts'
import { fromBase64url } from '../internal/base64url.ts'
import { asBuffer, isBytes } from '../internal/bytes.ts'

/** Characters of base64url in which the whole header of a message is. */
const headerText = 32
/** CM1 and CS1 in base64url. */
const magics: ReadonlySet<string> = new Set(['Q00x', 'Q1Mx'])

/**
 * Whether a value looks like a message of ours: bytes, or their base64url. It recognizes, it does not verify; that is
 * what a migration needs that finds old plaintexts and new ciphertexts in one column.
 *
 * @example
 * ```ts
 * import { isCiphertext } from '@chatelaine/core'
 *
 * console.log(isCiphertext('plain text')) // false
 * ```
 */
export function isCiphertext(value: unknown): value is Uint8Array | string {
  if (isBytes(value)) return isMessage(asBuffer(value))
  // The magic is three bytes, so its base64url is four characters of their own: most texts end here.
  if (typeof value !== 'string' || value.length < headerText || !magics.has(value.slice(0, 4))) return false
  const bytes = fromBase64url(value)
  return bytes !== undefined && isMessage(bytes)
}

function isMessage(bytes: Buffer): boolean {
  return parseHeader(bytes) !== undefined || parseDeterministicHeader(bytes) !== undefined
}
