import type { Value } from '@chatelaine/core/storage'
import { refusal } from '@chatelaine/storage-sql'

/** What pg asks for a way to read values of one of the server's types. */
export interface ValueTypes {
  /** The way to read values of the type with this number, which come as text unless pg was told otherwise. */
  getTypeParser(oid: number, format?: string): (text: string) => Value
}

/** The server's numbers for the types of our columns. */
export const oids = Object.freeze({ text: 25, integer: 20, bytes: 17 })

function bytesOf(text: string): Buffer {
  const bytes = Buffer.from(text.slice(2), 'hex')
  if (!text.startsWith(String.raw`\x`) || bytes.length * 2 !== text.length - 2) {
    throw refusal('The database returned bytes in another format.')
  }
  return bytes
}

const asText = (text: string): string => text

function unreadable(): never {
  throw refusal('The pool is set to binary results, which pg cannot read in full: switch that off.')
}

/**
 * How values are read, whatever the host has told pg to do with its own. An integer beyond what a number can hold
 * becomes one that is not safe, which is noticed where rows are checked.
 */
export const valueTypes: ValueTypes = {
  getTypeParser(oid, format) {
    if (format === 'binary') return unreadable
    if (oid === oids.integer) return Number
    return oid === oids.bytes ? bytesOf : asText
  },
}

/** Whether the database returned a value exactly as it was given. */
export function isSame(left: unknown, right: unknown): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0
  return left === right
}
