import { limits } from '../internal/defaults.ts'
import type { StorageReader } from '../storage/adapter.ts'
import type { Row, Value } from '../storage/table.ts'

/**
 * One cacheable question to the state: the row with a primary key, or the rows below a part of one. Every question is
 * asked below a beginning of a table's primary key (tenant apart), so that a change of a row is known to concern the
 * questions below each beginning of its key.
 */
export interface Query<T> {
  /** The table. */
  readonly table: string
  /** The primary key, or its beginning, without the tenant. */
  readonly key: readonly Value[]
  /** Makes the answer of the rows. The answer is cached, so it is never changed. */
  readonly decode: (rows: readonly Row[]) => T
  /** Set where `key` is only a beginning: at most how many rows there may be. */
  readonly many?: number | undefined
}

/** Where a question's answer is cached. */
export function cacheKey(table: string, key: readonly Value[]): string {
  return `${table}\0${key.join('\0')}`
}

/** Asks the storage. */
export async function fetchAnswer<T>(reader: StorageReader, tenant: string, query: Query<T>): Promise<T> {
  const key = [tenant, ...query.key]
  if (query.many === undefined) {
    const row = await reader.get(query.table, key)
    return query.decode(row === undefined ? [] : [row])
  }
  return query.decode(await reader.range(query.table, { prefix: key, limit: Math.min(query.many, limits.items) }))
}
