import { InvalidRequestError } from '../errors.ts'
import { copyBytes, isBytes } from '../internal/bytes.ts'

const keyBytes = 32

/** How somebody who has no root key comes by one. */
export const howToMakeOne =
  'Make one with `openssl rand -base64 32`, keep it safe, and never lose it: without it the data is gone.'

/** The 32 bytes of a root key. Nothing is hashed into shape. @throws InvalidRequestError */
export function readKey(key: Uint8Array | string): Buffer {
  if (typeof key !== 'string' && !isBytes(key)) refuse('it is neither a Uint8Array nor a string')
  const bytes = typeof key === 'string' ? decode(key) : copyBytes(key)
  if (bytes.length !== keyBytes) refuse(`a root key has ${keyBytes} bytes, this one has ${bytes.length}`)
  if (bytes.every((byte) => byte === bytes[0])) refuse('its bytes are all equal')
  return bytes
}

/** 64 hex digits, or 32 bytes of base64 or base64url: the lengths differ, so that no text can be read in two ways. */
function decode(text: string): Buffer {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex')
  const isBase64 = /^[A-Za-z0-9+/]{43}=?$/.test(text) || /^[A-Za-z0-9_-]{43}=?$/.test(text)
  const bytes = isBase64 ? Buffer.from(text, 'base64url') : undefined
  const canonical = bytes?.toString('base64url') === text.replace('=', '').replaceAll('+', '-').replaceAll('/', '_')
  if (bytes === undefined || !canonical) refuse('the text is not 32 bytes in base64, base64url or hex')
  return bytes
}

function refuse(why: string): never {
  throw new InvalidRequestError(`the root key is not usable: ${why}. ${howToMakeOne}`)
}
