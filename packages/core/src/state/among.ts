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

/**
 * Rows of a table, by their primary keys: read in one go where they lie together, as those do that end in a number and
 * ascend. One that is not there is left out.
 */
export async function among(reader: StorageReader, { tenant, table, keys }: Wanted): Promise<readonly Row[]> {
  const [first] = keys
  const last = first?.at(-1)
  const after = typeof last === 'number' && keys.length > 1 ? [...(first as RowKey).slice(0, -1), last - 1] : undefined
  const read =
    after === undefined
      ? []
      : await reader.range(table, { prefix: [tenant], after, limit: Math.min(keys.length, 1000) })
  const byKey = new Map(read.map((row) => [JSON.stringify(keyOf(table, row)), row]))
  const rows: Row[] = []
  for (const key of keys) {
    const row = byKey.get(JSON.stringify(key)) ?? (await reader.get(table, [tenant, ...key]))
    if (row !== undefined) rows.push(row)
  }
  return rows
}
