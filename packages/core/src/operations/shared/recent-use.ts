import { readPruned } from '../../audit/pruned.ts'
import type { StorageReader } from '../../storage/adapter.ts'
import { isUse } from './last-use.ts'

/** How many records of a key are looked at. */
const lookedAt = 100

/** Which key, in a log of which size. */
export interface RecentUseQuestion {
  readonly tenant: string
  readonly keyId: string
  /** How many records the log has: what lies beyond is not part of it. */
  readonly size: number
  /** How many of the key's newest records to look at, at most 1,000. @defaultValue 100 */
  readonly limit?: number | undefined
}

/** What the newest records of a key say of its use. */
export interface RecentUse {
  /** When it was last used with success; `undefined` where none of those records is a use. */
  readonly at: number | undefined
  /** Whether those were all the records that it ever had: none of a log that was pruned. */
  readonly isAll: boolean
  /** The time of the oldest record that was looked at. */
  readonly lookedTo: number
}

/** When a key was last used with success, by its newest records: one read along the index of records by key. */
export async function recentUseOf(
  reader: Pick<StorageReader, 'get' | 'range'>,
  { tenant, keyId, size, limit = lookedAt }: RecentUseQuestion,
): Promise<RecentUse> {
  const range = { index: 'by_key', prefix: [tenant, keyId], after: [size], order: 'desc', limit } as const
  const rows = await reader.range('records', range)
  const at = rows.find(isUse)?.['ts'] as number | undefined
  if (rows.length >= limit) return { at, isAll: false, lookedTo: rows.at(-1)?.['ts'] as number }
  const oldest = at === undefined ? await oldestKept(reader, tenant) : undefined
  return { at, isAll: oldest === undefined, lookedTo: oldest ?? 0 }
}

/** The time of the oldest record that is left of a log that was pruned. */
async function oldestKept(reader: Pick<StorageReader, 'get'>, tenant: string): Promise<number | undefined> {
  const pruned = await readPruned(reader, tenant)
  if (pruned === undefined) return undefined
  return ((await reader.get('records', [tenant, pruned.size]))?.['ts'] as number | undefined) ?? Infinity
}
