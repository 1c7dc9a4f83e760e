import type { Range, Row, Value } from '../../storage/table.ts'
import { tables } from '../../storage/tables.ts'

type Values = readonly (Value | undefined)[]

/** Of each table and index, the columns of its order: those of the index, then those of the primary key that it lacks. */
const orders = new Map(
  tables.flatMap(({ name, primaryKey, indexes }) => [
    [`${name}/`, primaryKey] as const,
    ...indexes.map((index) => {
      const further = primaryKey.filter((column) => !index.columns.includes(column))
      return [`${name}/${index.name}`, [...index.columns, ...further]] as const
    }),
  ]),
)

/** Whether rows are what a range may show: of those that were asked for, each once, in their order. */
export function isInOrder(table: string, range: Range, rows: readonly Row[]): boolean {
  const { index, prefix, after = [], order, limit } = range
  const columns = orders.get(`${table}/${index ?? ''}`) ?? []
  const sign = order === 'desc' ? -1 : 1
  let last: Values | undefined = after.length === 0 ? undefined : [...prefix, ...after]
  for (const row of rows) {
    const place = columns.map((column) => row[column])
    if (prefix.some((value, at) => compareValues(place[at], value) !== 0)) return false
    if (last !== undefined && compareInOrder(place, last) * sign <= 0) return false
    last = place
  }
  return rows.length <= limit
}

/** What a range of the primary key shows of these keys, without the tenant. */
export function keysShown<K extends Values>(keys: readonly K[], { prefix, after = [], order, limit }: Range): K[] {
  const sign = order === 'desc' ? -1 : 1
  const bound = [...prefix.slice(1), ...after]
  const beyond = keys.filter((key) => after.length === 0 || compareInOrder(key, bound) * sign > 0)
  return beyond.toSorted((a, b) => compareInOrder(a, b) * sign).slice(0, limit)
}

/** Orders places by the columns that both have. */
export function compareInOrder(a: Values, b: Values): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const order = compareValues(a[at], b[at])
    if (order !== 0) return order
  }
  return 0
}

/** As storages order values: nothing, then text by its UTF-8 bytes, bytes, or integers. */
function compareValues(a: Value | undefined, b: Value | undefined): number {
  if (a === b) return 0
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  return (a ?? null) === null ? -1 : 1
}
