import { isKmsError, type KmsError } from '../../errors.ts'
import { allOf } from '../../internal/all-of.ts'
import type { Row } from '../../storage/table.ts'
import { sought, type RowKey } from '../among.ts'
import type { AuthenticReader } from './authentic-reader.ts'
import type { Entry } from './bucket.ts'
import { bitsOfNode, childrenOf, levelsOfNodes } from './node.ts'

/** A row that the tree lists. */
export interface ListedRow {
  readonly table: string
  /** Its primary key, without the tenant. */
  readonly key: RowKey
  /** As it is stored: it was checked, unless that was left to whoever asked for it. */
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

/** Which rows to list, and which of them are not checked here, because they are where they are used. */
export interface ListedWith extends Listed {
  readonly unchecked?: ((row: Row) => boolean) | undefined
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

/** Rows that the tree lists, as far as they verify. */
export interface ListedRows extends Listing<ListedRow> {
  /** What is wrong with another, if anything is. */
  readonly problem: KmsError | undefined
}

/**
 * The same with the rows: for whoever does something that cannot be undone once it has met all of them. One that is
 * hidden, or is another, is missed.
 */
export async function listRows(reader: AuthenticReader, of: ListedWith): Promise<ListedRows> {
  const { items, next } = await listBuckets(reader, of)
  const read = await allOf(items.map(async (entries) => readRows(reader, entries, of.unchecked)))
  const problem = read.find((each) => each.problem !== undefined)?.problem
  return { items: read.flatMap(({ rows }) => rows), next, problem }
}

async function listBuckets(reader: AuthenticReader, { tables, from }: Listed): Promise<Listing<readonly Entry[]>> {
  const places: number[] = []
  for await (const place of bucketsBelow(reader, [0, 0], from)) if (places.push(place) > bucketsAtOnce) break
  const next = places.length > bucketsAtOnce ? places.pop() : undefined
  return { items: await allOf(places.map(async (place) => entriesOf(reader, place, tables))), next }
}

type Place = readonly [level: number, place: number]

/** The buckets that there are below a node, from one on, in their order. */
async function* bucketsBelow(reader: AuthenticReader, [level, place]: Place, from: number): AsyncGenerator<number> {
  if (level === levelsOfNodes) {
    yield place
    return
  }
  const content = await reader.tree.nodeAt([level, place])
  const bucketsOfChild = 2 ** (bitsOfNode * (levelsOfNodes - level - 1))
  for (const at of content === undefined ? [] : childrenOf(content)) {
    const child = place * 2 ** bitsOfNode + at
    if ((child + 1) * bucketsOfChild > from) yield* bucketsBelow(reader, [level + 1, child], from)
  }
}

async function entriesOf(reader: AuthenticReader, place: number, tables: ReadonlySet<string>): Promise<Entry[]> {
  return [...(await reader.tree.bucketAt(place)).entries()].filter(({ table }) => tables.has(table))
}

/** Checks the rows of entries of one bucket. @throws StorageTamperedError for one that is not there, or is another */
export async function checkRows(reader: AuthenticReader, entries: readonly Entry[]): Promise<void> {
  const { problem } = await readRows(reader, entries)
  if (problem !== undefined) throw problem
}

async function readRows(
  reader: AuthenticReader,
  entries: readonly Entry[],
  unchecked: ListedWith['unchecked'] = () => false,
): Promise<{ readonly rows: readonly ListedRow[]; readonly problem: KmsError | undefined }> {
  const rows: ListedRow[] = []
  let problem: KmsError | undefined
  for (const [table, some] of Map.groupBy(entries, (entry) => entry.table)) {
    const keys = some.map(({ key }) => key)
    for (const { key, row } of await sought(reader.unchecked, { table, tenant: reader.tree.tenant, keys })) {
      const isLeft = row !== undefined && unchecked(row)
      const found = isLeft ? undefined : await problemOf(reader.tree.check(table, key, row))
      if (row !== undefined && found === undefined) rows.push({ table, key, row })
      problem ??= found
    }
  }
  return { rows, problem }
}

async function problemOf(check: Promise<void>): Promise<KmsError | undefined> {
  try {
    await check
    return undefined
  } catch (error) {
    if (isKmsError(error, 'STORAGE_TAMPERED')) return error
    throw error
  }
}
