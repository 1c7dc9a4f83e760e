import type { Row, Value } from '@chatelaine/core/storage'

/** Comes after everything that a column can hold. As the last part of a key it stands for the end of a prefix. */
export const beyond: unique symbol = Symbol('beyond')

/** One column's part of a key. */
export type Part = Value | typeof beyond

/** The values that an order compares, one after the other. A key that ends early comes before those that go on. */
export type Key = readonly Part[]

/** The units that UTF-16 and UTF-8 put in a different order: surrogates, and what lies between them and U+FFFF. */
const misplaced = /[\ud800-\uffff]/
const everyMisplaced = /[\ud800-\uffff]/g

/** Moves the surrogates, which stand for code points above U+FFFF, behind all other units. */
function reorder(unit: string): string {
  const code = unit.charCodeAt(0)
  return String.fromCharCode(code < 0xe000 ? code + 0x2000 : code - 0x800)
}

/** The part that a value has in a key: text such that comparing UTF-16 units is comparing UTF-8 bytes. */
export function partOf(value: Value | undefined): Value {
  if (typeof value !== 'string') return value ?? null
  return misplaced.test(value) ? value.replaceAll(everyMisplaced, reorder) : value
}

/** The key of a row in the order of these columns. */
export function keyOf(row: Row, columns: readonly string[]): Key {
  return columns.map((column) => partOf(row[column]))
}

const rank = (part: Part): number => (part === null ? 0 : part === beyond ? 2 : 1)

function compareParts(left: Part, right: Part): number {
  if (left === right) return 0
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : 1
  if (typeof left === 'number' && typeof right === 'number') return left - right
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right)
  return rank(left) - rank(right)
}

/** Orders keys part by part: `null`, then values, then {@link beyond}. */
export function compareKeys(left: Key, right: Key): number {
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at++) {
    const order = compareParts(left[at] as Part, right[at] as Part)
    if (order !== 0) return order
  }
  return left.length - right.length
}

/** Whether a key begins with these parts. */
export function startsWith(key: Key, prefix: Key): boolean {
  return prefix.every((part, at) => compareParts(part, key[at] as Part) === 0)
}
