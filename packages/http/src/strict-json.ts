import { isUtf8 } from 'node:buffer'
import { InvalidRequestError } from '@chatelaine/core'

/** Most levels of objects and arrays within each other. */
const maxDepth = 16
/** Most members of one object. */
const maxMembers = 1024
/** Most values in all: a list of a thousand items with all that each may have is far below. */
const maxValues = 100_000

/**
 * Reads JSON (RFC 8259) as its writer must have meant it: UTF-8 without a byte order mark, every name of an object once
 * and none of them `__proto__`, whole numbers that a double holds exactly, strings that are well-formed Unicode. What is
 * too deep or has too many parts is refused before it is parsed, at a cost of one look at each structural character.
 *
 * @throws InvalidRequestError
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  const members = scan(text)
  const value = parse(text)
  if (check(value) !== members) throw refused('an object has two members of the same name')
  return value
}

function decode(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw refused('it is not UTF-8')
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  if (text.charCodeAt(0) === 0xfe_ff) throw refused('it begins with a byte order mark')
  return text
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not what the parser says: it quotes the text, which may be a secret.
    throw refused('it is not JSON')
  }
}

/** Looks at what structures the text. Returns how many members its objects have; whether it is JSON shows later. */
function scan(text: string): number {
  const seen: Seen = { levels: [], members: 0, values: 0 }
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (code === colon) member(seen)
    else if (code === openBrace || code === openBracket) open(seen)
    else if (code === closeBrace || code === closeBracket) seen.levels.pop()
    else if (code === comma) value(seen)
  }
  return seen.members
}

interface Seen {
  /** How many members each open object has. */
  readonly levels: number[]
  members: number
  values: number
}

function open(seen: Seen): void {
  if (seen.levels.push(0) > maxDepth) throw refused(`it has more than ${maxDepth} levels`)
  value(seen)
}

function member(seen: Seen): void {
  seen.members += 1
  const count = (seen.levels.at(-1) ?? 0) + 1
  seen.levels[Math.max(0, seen.levels.length - 1)] = count
  if (count > maxMembers) throw refused(`an object has more than ${maxMembers} members`)
}

function value(seen: Seen): void {
  seen.values += 1
  if (seen.values > maxValues) throw refused(`it has more than ${maxValues} values`)
}

const [quote, colon, comma, backslash] = [0x22, 0x3a, 0x2c, 0x5c]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]

/** Where a string ends that begins here. A quote is part of it after an odd number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === backslash) escapes += 1
    if (escapes % 2 === 0) return at
  }
  return text.length
}

/** Looks at every part of a value. Returns how many members its objects have. */
function check(value: unknown): number {
  if (typeof value === 'string') return requireWellFormed(value)
  if (typeof value === 'number') return requireExact(value)
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += check(item)
    return members
  }
  for (const name of Object.keys(value)) {
    if (name === '__proto__') throw refused('a member is called __proto__')
    requireWellFormed(name)
    members += 1 + check((value as Record<string, unknown>)[name])
  }
  return members
}

function requireWellFormed(text: string): 0 {
  if (!text.isWellFormed()) throw refused('a string is not well-formed Unicode')
  return 0
}

function requireExact(value: number): 0 {
  const fits = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value)
  if (!fits) throw refused('a number is too large to be exact')
  return 0
}

function refused(message: string): InvalidRequestError {
  return new InvalidRequestError(`the body is not valid: ${message}`, [{ path: '', message }])
}
