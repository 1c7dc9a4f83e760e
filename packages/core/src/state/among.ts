import { allOf } from '../internal/all-of.ts'
import type { StorageReader } from '../storage/adapter.ts'
import type { Row } from '../storage/table.ts'
import { keyOf } from './tree/place.ts'

/** A primary key, without the tenant. */
export type RowKey = readonly (string | number)[]

/** Which rows, by their primary keys. */
export interface Wanted {
  readonly tenant: string
  readonly table: string
  readonly keys: readonly RowKey[]
}

/** Rows of a table, by their primary keys. One that is not there is left out. */
export async function among(reader: StorageReader, wanted: Wanted): Promise<readonly Row[]> {
  return (await sought(reader, wanted)).map(({ row }) => row).filter((row) => row !== undefined)
}

/** A key, and the row that has it, if there is one. */
export interface Sought {
  readonly key: RowKey
  readonly row: Row | undefined
}

/** Rows of a table, each by its primary key: those that lie together are read in one go. */
export async function sought(reader: StorageReader, { tenant, table, keys }: Wanted): Promise<readonly Sought[]> {
  const together = [...Map.groupBy(keys, (key) => JSON.stringify(key.slice(0, -1))).values()]
  return (await allOf(together.map(async (some) => adjacent(reader, { tenant, table, keys: some })))).flat()
}

/** The same of keys that differ in their last part alone. */
async function adjacent(reader: StorageReader, { tenant, table, keys }: Wanted): Promise<readonly Sought[]> {
  const inOrder = keys.toSorted((a, b) => Number(a.at(-1)) - Number(b.at(-1)))
  const [first] = inOrder
  const last = first?.at(-1)
  // A text of digits is no number: what comes after the one before it is something else.
  const after = keys.length > 1 && typeof last === 'number' ? first?.with(-1, last - 1) : undefined
  const range = { prefix: [tenant], after, limit: Math.min(keys.length, 1000) }
  const rows = after === undefined ? [] : await reader.range(table, range)
  let at = 0
  const found = inOrder.map(async (key) => {
    const row = rows[at]
    if (row === undefined || !isOf(row, table, key)) return { key, row: await reader.get(table, [tenant, ...key]) }
    at += 1
    return { key, row }
  })
  return allOf(found)
}

function isOf(row: Row, table: string, key: RowKey): boolean {
  return keyOf(table, row).every((value, at) => value === key[at])
}
