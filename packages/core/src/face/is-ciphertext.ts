import { parseHeader } from '../envelope/header.ts'
import { fromBase64url } from '../internal/base64url.ts'
import { asBuffer, isBytes } from '../internal/bytes.ts'

/** Characters of base64url in which the whole header of a message is. */
const headerText = 32

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
  if (isBytes(value)) return parseHeader(asBuffer(value)) !== undefined
  // The magic is three bytes, so its base64url is four characters of their own: most texts end here.
  if (typeof value !== 'string' || value.length < headerText || !value.startsWith('Q00x')) return false
  const bytes = fromBase64url(value)
  return bytes !== undefined && parseHeader(bytes) !== undefined
}
