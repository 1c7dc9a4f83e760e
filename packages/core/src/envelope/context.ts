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

interface EncodedPair {
  readonly pair: readonly [string, string]
  readonly key: Buffer
  readonly valueBytes: number
}

function encode(pairs: readonly (readonly [string, string])[]): EncodedContext {
  const encoded = sortedByKey(pairs.map(encodePair))
  const length = encoded.reduce((sum, { key, valueBytes }) => sum + 4 + key.length + valueBytes, 2)
  const bytes = Buffer.allocUnsafe(length)
  let at = bytes.writeUInt16BE(encoded.length)
  for (const { pair, key, valueBytes } of encoded) {
    at = bytes.writeUInt16BE(key.length, at)
    at += key.copy(bytes, at)
    at = bytes.writeUInt16BE(valueBytes, at)
    at += bytes.write(pair[1], at, 'utf8')
  }
  return { pairs: encoded.map(({ pair }) => pair), bytes }
}

/** In place, and without what `sort` makes for itself: there are few, and this is done for each message. */
function sortedByKey(pairs: EncodedPair[]): EncodedPair[] {
  for (let end = 1; end < pairs.length; end++) {
    const pair = pairs[end] as EncodedPair
    let at = end
    for (; at > 0 && Buffer.compare((pairs[at - 1] as EncodedPair).key, pair.key) > 0; at--) {
      pairs[at] = pairs[at - 1] as EncodedPair
    }
    pairs[at] = pair
  }
  return pairs
}

function encodePair(pair: readonly [string, string]): EncodedPair {
  const key = Buffer.from(pair[0], 'utf8')
  const valueBytes = Buffer.byteLength(pair[1], 'utf8')
  if (key.length < 1 || key.length > maxKeyBytes) refuse(`a key is not 1 to ${maxKeyBytes} bytes long`)
  if (valueBytes > maxValueBytes) refuse(`a value is longer than ${maxValueBytes} bytes`)
  return { pair, key, valueBytes }
}

function refuse(message: string): never {
  throw new InvalidRequestError(`the encryption context is not valid: ${message}`, [{ path: 'context', message }])
}
