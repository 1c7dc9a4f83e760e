import type { Row } from '../../storage/table.ts'
import { among, type RowKey } from '../among.ts'
import type { AuthenticReader } from './authentic-reader.ts'
import { Bucket, bucketHash, type Entry } from './bucket.ts'
import { bitsOfNode, childrenOf, levelsOfNodes, nodeHash } from './node.ts'

/** A row that the tree lists, as it is stored: it was checked. */
export interface ListedRow {
  readonly table: string
  readonly row: Row
}

/** Some of what the tree lists. */
export interface Listing<T> {
  readonly items: readonly T[]
  /** From which bucket on it goes on; `undefined` at the end. */
  readonly next: number | undefined
}

/** What to list: what there is of some tables, from a bucket on. */
export interface Listed {
  readonly tables: ReadonlySet<string>
  readonly from: number
}

/** So many buckets are read at once. */
const bucketsAtOnce = 100

/**
 * What the tree knows of rows of some tables, bucket by bucket: for whoever wants to be sure that there is no row. A page
 * of a table shows what the storage likes to show.
 *
 * @throws StorageTamperedError
 */
export async function listEntries(reader: AuthenticReader, of: Listed): Promise<Listing<Entry>> {
  const { items, next } = await listBuckets(reader, of)
  return { items: items.flat(), next }
}

/**
 * The same with the rows: for whoever does something that cannot be undone once it has met all of them. One that is
 * hidden is missed.
 *
 * @throws StorageTamperedError for a row that is not there, or is another
 */
export async function listRows(reader: AuthenticReader, of: Listed): Promise<Listing<ListedRow>> {
  const { items, next } = await listBuckets(reader, of)
  const rows = await Promise.all(items.map(async (entries) => rowsOf(reader, entries)))
  return { items: rows.flat(), next }
}

async function listBuckets(reader: AuthenticReader, { tables, from }: Listed): Promise<Listing<readonly Entry[]>> {
  const places: number[] = []
  for await (const place of bucketsBelow(reader, [0, 0], from)) if (places.push(place) > bucketsAtOnce) break
  const next = places.length > bucketsAtOnce ? places.pop() : undefined
  return { items: await Promise.all(places.map(async (place) => entriesOf(reader, place, tables))), next }
}

type Place = readonly [level: number, place: number]

/** The buckets that there are below a node, from one on, in their order. */
async function* bucketsBelow(reader: AuthenticReader, [level, place]: Place, from: number): AsyncGenerator<number> {
  if (level === levelsOfNodes) {
    yield place
    return
  }
  const content = await contentAt(reader, [level, place])
  const bucketsOfChild = 2 ** (bitsOfNode * (levelsOfNodes - level - 1))
  for (const at of content === undefined ? [] : childrenOf(content)) {
    const child = place * 2 ** bitsOfNode + at
    if ((child + 1) * bucketsOfChild > from) yield* bucketsBelow(reader, [level + 1, child], from)
  }
}

async function entriesOf(reader: AuthenticReader, place: number, tables: ReadonlySet<string>): Promise<Entry[]> {
  const content = await contentAt(reader, [levelsOfNodes, place])
  return content === undefined ? [] : [...Bucket.of(content).entries()].filter(({ table }) => tables.has(table))
}

/** The rows of entries of one bucket. @throws StorageTamperedError for a row that is not there, or is another */
export async function rowsOf(reader: AuthenticReader, entries: readonly Entry[]): Promise<ListedRow[]> {
  const rows: ListedRow[] = []
  for (const [table, keys] of together(entries)) {
    for (const row of await among(reader, { table, tenant: reader.tree.tenant, keys })) rows.push({ table, row })
  }
  return rows
}

/** Keys that belong together, by their tables: those of versions of one key are read in one go. */
function together(entries: readonly Entry[]): (readonly [string, readonly RowKey[]])[] {
  const groups = Map.groupBy(entries, ({ table, key }) => JSON.stringify([table, ...key.slice(0, -1)]))
  return [...groups.values()].map((group) => [
    (group[0] as Entry).table,
    group.map(({ key }) => key).toSorted((a, b) => Number(a.at(-1)) - Number(b.at(-1))),
  ])
}

/** What is stored at a place of the tree, if it is what is named above it; `undefined` where there is nothing. */
async function contentAt(reader: AuthenticReader, [level, place]: Place): Promise<Uint8Array | undefined> {
  const { tree } = reader
  const hash = await tree.hashAt([level, place])
  if (hash === undefined) return undefined
  const content = (await reader.get('state_tree', [tree.tenant, level, place]))?.['content']
  const hashOf = level === levelsOfNodes ? bucketHash : nodeHash
  if (content instanceof Uint8Array && hashOf(content).equals(hash)) return content
  throw tree.tampered('state_tree', [level, place])
}
