import { keyAt } from '../../keys/state.ts'
import type { Page, SnapshotOf, Walk } from '../../runtime.ts'
import { decodeKeys } from '../../state/decode.ts'
import type { KeyRow } from '../../state/rows.ts'
import type { StorageReader } from '../../storage/adapter.ts'
import { decodeCursor, defaultPageLimit, encodeCursor, type PageRequest } from './pages.ts'

/** Most keys that one page looks at: a page of few finds may be short, or empty, and still have a cursor. */
const lookedAt = 100

/** Looks at one key; `undefined` where it is none of those that are looked for. */
export type Judge<T> = (key: KeyRow, on: SnapshotOf & { readonly reader: StorageReader }) => Promise<T | undefined>

/** Keys of a kind, in the order of their ids. What one page costs does not grow with the number of keys. */
export async function pageOfKeys<T>(walk: Walk, request: PageRequest, judge: Judge<T>): Promise<Page<T>> {
  const { limit = defaultPageLimit, cursor } = request
  const after = decodeCursor(cursor, ['string'])
  return walk.snapshot(async (reader, of) => {
    const rows = decodeKeys(await reader.range('keys', { prefix: [of.tenant], after, limit: lookedAt }))
    const items: T[] = []
    for (const [index, row] of rows.entries()) {
      const item = await judge(keyAt(row, walk.now), { ...of, reader })
      if (item !== undefined) items.push(item)
      const isLast = index === rows.length - 1 && rows.length < lookedAt
      if (items.length === limit) return { items, ...(isLast ? {} : { cursor: encodeCursor([row.id]) }) }
    }
    const last = rows.at(-1)
    return rows.length < lookedAt || last === undefined ? { items } : { items, cursor: encodeCursor([last.id]) }
  })
}
