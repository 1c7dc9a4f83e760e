import { InvalidRequestError } from '../errors.ts'
import { allocate, copyBytes, isBytes, utf8, wipe } from '../internal/bytes.ts'

const keyBytes = 32

/** How somebody who has no root key comes by one. */
export const howToMakeOne =
  'Make one with `openssl rand -base64 32`, keep it safe, and never lose it: without it the data is gone.'

/** The 32 bytes of a root key. Nothing is hashed into shape. @throws InvalidRequestError */
export function readKey(key: Uint8Array | string): Buffer {
  if (typeof key === 'string') return readKeyText(utf8(key))
  if (!isBytes(key)) refuse('it is neither a Uint8Array nor a string')
  return checked(copyBytes(key))
}

/** The same of the bytes of a text, which are wiped: no text is made of them, which nobody could. @throws InvalidRequestError */
export function readKeyText(text: Buffer): Buffer {
  const bytes = decode(text)
  wipe(text)
  if (bytes === undefined) refuse('the text is not 32 bytes in base64, base64url or hex')
  return checked(bytes)
}

function checked(bytes: Buffer): Buffer {
  if (bytes.length !== keyBytes) refuse(`a root key has ${keyBytes} bytes, this one has ${bytes.length}`)
  if (bytes.every((byte) => byte === bytes[0])) refuse('its bytes are all equal')
  return bytes
}

/** 64 hex digits, or 32 bytes of base64 or base64url: the lengths differ, so that no text can be read in two ways. */
function decode(text: Buffer): Buffer | undefined {
  if (text.length === 64) return fromDigits(text, hex)
  const digits = text[43] === padding ? text.subarray(0, 43) : text
  return digits.length === 43 && text.length <= 44
    ? (fromDigits(digits, base64) ?? fromDigits(digits, base64url))
    : undefined
}

const padding = 0x3d
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

interface Digits {
  readonly bits: number
  readonly values: ReadonlyMap<number, number>
}

const digitsOf = (bits: number, ...texts: readonly string[]): Digits => ({
  bits,
  values: new Map(texts.flatMap((text) => Array.from(text, (digit, value) => [digit.charCodeAt(0), value] as const))),
})

const hex = digitsOf(4, '0123456789abcdef', '0123456789ABCDEF')
const base64 = digitsOf(6, `${letters}+/`)
const base64url = digitsOf(6, `${letters}-_`)

/** The 32 bytes that the digits are of; `undefined` for what has another sign in it, or stray bits behind its last byte. */
function fromDigits(text: Buffer, { bits, values }: Digits): Buffer | undefined {
  const bytes = allocate(keyBytes)
  let [held, heldBits, at] = [0, 0, 0]
  for (const sign of text) {
    const value = values.get(sign)
    if (value === undefined) return wiped(bytes)
    held = (held << bits) | value
    heldBits += bits
    if (heldBits < 8) continue
    heldBits -= 8
    bytes[at++] = held >> heldBits
    held &= (1 << heldBits) - 1
  }
  return held === 0 ? bytes : wiped(bytes)
}

function wiped(bytes: Buffer): undefined {
  wipe(bytes)
  return undefined
}

function refuse(why: string): never {
  throw new InvalidRequestError(`the root key is not usable: ${why}. ${howToMakeOne}`)
}
