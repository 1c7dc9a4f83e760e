import { InvalidRequestError } from '../errors.ts'
import { wipe } from '../internal/bytes.ts'
import { ownOnly } from '../internal/own.ts'
import type { EncryptRequest } from '../operations/shared/messages.ts'

/** A text to encrypt. */
export interface EncryptTextRequest extends Omit<EncryptRequest, 'plaintext'> {
  /** The text. */
  readonly plaintext: string
}

/** A value to encrypt as JSON. */
export interface EncryptJsonRequest extends Omit<EncryptRequest, 'plaintext'> {
  /** Whatever JSON can express. */
  readonly value: unknown
}

/** Its own properties. @throws InvalidRequestError unless it is an object. */
export function requireObject<T>(value: T, what: string): T {
  if (typeof value === 'object' && value !== null) return ownOnly(value)
  throw new InvalidRequestError(`the ${what} is not an object`)
}

/** The text of decrypted bytes, which are wiped. @throws InvalidRequestError when they are not UTF-8. */
export function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new InvalidRequestError('the plaintext is not UTF-8 text: use decrypt')
  } finally {
    wipe(bytes)
  }
}

/** JSON of a value. @throws InvalidRequestError for what JSON cannot express. */
export function encodeJson(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    text = undefined
  }
  if (text === undefined) throw new InvalidRequestError('JSON cannot express this value')
  return text
}

/** The value of a JSON text. @throws InvalidRequestError */
export function decodeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message would quote the plaintext.
    throw new InvalidRequestError('the plaintext is not JSON: use decryptText')
  }
}
