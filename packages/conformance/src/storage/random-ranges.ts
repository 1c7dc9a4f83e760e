import type { Range, Row, Value } from '@chatelaine/core/storage'
import { thing } from './sample.ts'

/** The orders of `things`: the index's columns, completed by those of the primary key. */
export const orders: Readonly<Record<string, readonly string[]>> = {
  primary: ['tenant', 'id'],
  by_place: ['tenant', 'place', 'id'],
  by_label: ['tenant', 'label', 'id'],
  by_weight: ['weight', 'label', 'tenant', 'id'],
}

/** How two values of a column are ordered: null first, then by UTF-8 bytes, bytes or value. */
function compare(left: Value, right: Value): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null)
  if (typeof left === 'number') return left - (right as number)
  return Buffer.compare(Buffer.from(left as string), Buffer.from(right as string))
}

function compareAll(left: readonly Value[], right: readonly Value[]): number {
  for (const [at, value] of left.entries()) {
    const order = compare(value, right[at] ?? null)
    if (order !== 0) return order
  }
  return 0
}

/** What a range of `things` means, told as plainly as possible. */
export function expectedOf(rows: readonly Row[], range: Range): Row[] {
  const columns = orders[range.index ?? 'primary'] ?? []
  const sign = range.order === 'desc' ? -1 : 1
  const parts = (row: Row, from: number, count: number): Value[] =>
    columns.slice(from, from + count).map((column) => row[column] ?? null)
  const after = range.after ?? []
  return rows
    .filter((row) => compareAll(parts(row, 0, range.prefix.length), range.prefix) === 0)
    .filter((row) => after.length === 0 || sign * compareAll(parts(row, range.prefix.length, after.length), after) > 0)
    .toSorted((left, right) => sign * compareAll(parts(left, 0, columns.length), parts(right, 0, columns.length)))
    .slice(0, range.limit)
}

/** Draws that repeat themselves for the same seed (xorshift). */
export class Draws {
  #state: number

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 1
  }

  /** A number from 0 to below `bound`. */
  below(bound: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % bound
  }

  /** One of these. */
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }
}

const places = [-(2 ** 40), -1, 0, 1, 2 ** 33]
const values: Readonly<Record<string, readonly Value[]>> = {
  tenant: ['default', 'other'],
  id: ['1', '10', '2', 'a', 'é', '\ufffd', '\u{1f511}'],
  place: places,
  label: ['', 'a', 'A', 'ab', 'é', '\uffff', '\u{10000}', '\u{10ffff}', '\ue000'],
  weight: places,
}
const nullable = ['label', 'weight']

const valueOf = (draws: Draws, column: string): Value => draws.of(values[column] ?? [null])
const maybeOf = (draws: Draws, column: string): Value =>
  nullable.includes(column) && draws.below(6) === 0 ? null : valueOf(draws, column)

/** Some rows of `things` that do not clash. */
export function drawRows(draws: Draws): Row[] {
  const rows = new Map<string, Row>()
  const labels = new Set<string>()
  for (let left = draws.below(15); left > 0; left--) {
    const drawn = Object.fromEntries(Object.keys(values).map((column) => [column, maybeOf(draws, column)]))
    const isFirst = labels.size < labels.add(`${String(drawn['tenant'])}/${String(drawn['label'])}`).size
    const row = thing(drawn['id'] as string, { ...drawn, label: isFirst ? (drawn['label'] ?? null) : null })
    rows.set(`${String(row['tenant'])}/${String(row['id'])}`, row)
  }
  return [...rows.values()]
}

/** Some range of `things`. */
export function drawRange(draws: Draws): Range {
  const index = draws.of(Object.keys(orders))
  const columns = orders[index] ?? []
  const fixed = draws.below(columns.length + 1)
  const bounded = draws.below(columns.length - fixed + 1)
  return {
    index: index === 'primary' ? undefined : index,
    prefix: columns.slice(0, fixed).map((column) => maybeOf(draws, column)),
    after: columns.slice(fixed, fixed + bounded).map((column) => valueOf(draws, column)),
    order: draws.of(['asc', 'desc', undefined]),
    limit: 1 + draws.below(20),
  }
}
