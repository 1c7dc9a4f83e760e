import { InvalidRequestError } from '../errors.ts'
import type { EncodedContext } from '../stages.ts'

const maxPairs = 64
const maxKeyBytes = 256
const maxValueBytes = 4096
const maxBytes = 8192
const reserved = 'kms:'

/** The empty encryption context: `00 00`. */
export const emptyContext: EncodedContext = Object.freeze({ pairs: Object.freeze([]), bytes: Buffer.from([0, 0]) })

/**
 * Encodes an encryption context (CM1 specification, "Encryption context").
 *
 * ```text
 * EC = u16 count ‖ (u16 keyLength ‖ key ‖ u16 valueLength ‖ value)*     UTF-8, sorted by the bytes of the keys
 * ```
 *
 * Lengths stand before the strings, so that no two contexts share an encoding; the order of properties is lost.
 *
 * @throws InvalidRequestError unless it is a plain object of well-formed strings within the limits: at most 64 pairs,
 *   keys of 1 to 256 bytes, values of at most 4,096, at most 8,192 in all; no key begins with `kms:` or is `__proto__`.
 */
export function encodeContext(context: unknown): EncodedContext {
  if (context === undefined) return emptyContext
  const entries = readSafely(context)
  if (entries.length === 0) return emptyContext
  const encoded = encode(entries)
  if (encoded.bytes.length > maxBytes) refuse(`its encoding is longer than ${maxBytes} bytes`)
  return encoded
}

/**
 * The same context with one more pair, of a reserved name that no caller can give. It stands beside the limits of what
 * callers give, and sorts among their pairs like any other.
 */
export function withReserved(context: EncodedContext, name: `kms:${string}`, value: string): EncodedContext {
  return encode([...context.pairs, [name, value]])
}

/** An object whose reading throws, such as a broken proxy, is as bad as one that holds something else. */
function readSafely(context: unknown): [string, string][] {
  try {
    return readEntries(context)
  } catch (error) {
    if (error instanceof InvalidRequestError) throw error
    return refuse('it cannot be read')
  }
}

/** Own string properties of a plain object, each read once, never by running somebody's code. */
function readEntries(context: unknown): [string, string][] {
  if (typeof context !== 'object' || context === null) refuse('it is not an object')
  const prototype: unknown = Object.getPrototypeOf(context)
  if (prototype !== null && Object.getPrototypeOf(prototype as object) !== null) refuse('it is not a plain object')
  if (Array.isArray(context)) refuse('it is not a plain object')
  const names = Reflect.ownKeys(context)
  if (names.length > maxPairs) refuse(`it has more than ${maxPairs} pairs`)
  return names.map((name) => [checkName(name), readValue(context, name)])
}

function checkName(name: string | symbol): string {
  if (typeof name !== 'string') refuse('a key is a symbol')
  if (name === '__proto__') refuse('`__proto__` is not a key')
  if (name.startsWith(reserved)) refuse(`keys that begin with \`${reserved}\` are reserved`)
  if (!name.isWellFormed()) refuse('a key is not well-formed Unicode')
  return name
}

function readValue(context: object, name: string | symbol): string {
  const property = Object.getOwnPropertyDescriptor(context, name)
  if (property === undefined || !('value' in property)) refuse('a property is computed by a getter')
  const value: unknown = property.value
  if (typeof value !== 'string') refuse('a value is not a string')
  if (!value.isWellFormed()) refuse('a value is not well-formed Unicode')
  return value
}

type Pair = readonly [key: string, value: string]

function encode(given: readonly Pair[]): EncodedContext {
  const pairs = given.length > 1 ? sortedByKey(given) : given
  let length = 2
  for (const pair of pairs) length += encodedLength(pair)
  const bytes = Buffer.allocUnsafe(length)
  let at = bytes.writeUInt16BE(pairs.length)
  for (const [key, value] of pairs) {
    at = writeText(bytes, key, at)
    at = writeText(bytes, value, at)
  }
  return { pairs, bytes }
}

/** A text, after its length. */
function writeText(bytes: Buffer, text: string, at: number): number {
  const length = bytes.write(text, at + 2, 'utf8')
  return bytes.writeUInt16BE(length, at) + length
}

/** By the bytes of their keys, without what `sort` makes for itself: there are few, and this is done for each message. */
function sortedByKey(pairs: readonly Pair[]): Pair[] {
  const keys: Buffer[] = []
  const sorted: Pair[] = []
  for (const pair of pairs) {
    const key = Buffer.from(pair[0], 'utf8')
    let at = sorted.length
    for (; at > 0 && Buffer.compare(keys[at - 1] as Buffer, key) > 0; at--) {
      keys[at] = keys[at - 1] as Buffer
      sorted[at] = sorted[at - 1] as Pair
    }
    keys[at] = key
    sorted[at] = pair
  }
  return sorted
}

function encodedLength([key, value]: Pair): number {
  const keyBytes = Buffer.byteLength(key, 'utf8')
  const valueBytes = Buffer.byteLength(value, 'utf8')
  if (keyBytes < 1 || keyBytes > maxKeyBytes) refuse(`a key is not 1 to ${maxKeyBytes} bytes long`)
  if (valueBytes > maxValueBytes) refuse(`a value is longer than ${maxValueBytes} bytes`)
  return 4 + keyBytes + valueBytes
}

function refuse(message: string): never {
  throw new InvalidRequestError(`the encryption context is not valid: ${message}`, [{ path: 'context', message }])
}
