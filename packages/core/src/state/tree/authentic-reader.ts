import { ownOnly } from '../../internal/own.ts'
import type { StorageReader } from '../../storage/adapter.ts'
import type { Range, Row, Value } from '../../storage/table.ts'
import { tables } from '../../storage/tables.ts'
import type { Versions } from './bucket.ts'
import { denseTables, isOfState, keyOf, versionsTogether } from './place.ts'
import type { StateTree } from './state-tree.ts'

const indexColumns = new Map(
  tables.flatMap(({ name, primaryKey, indexes }) => [
    [`${name}/`, primaryKey] as const,
    ...indexes.map((index) => [`${name}/${index.name}`, index.columns] as const),
  ]),
)

type Key = readonly (string | number)[]

/**
 * Reads a snapshot or a transaction, and believes of the state only what the tree says: every row that is found, and
 * that there is none. Rows below a beginning of a key that decides their bucket are all there; of a page of a longer
 * list each row is checked, and of versions that none is missing. The log is read as it is: it has its own chain.
 */
export class AuthenticReader implements StorageReader {
  readonly #reader: StorageReader
  readonly #tree: StateTree

  constructor(reader: StorageReader, tree: StateTree) {
    this.#reader = reader
    this.#tree = tree
  }

  /** The tree that it believes. */
  get tree(): StateTree {
    return this.#tree
  }

  async get(table: string, key: readonly Value[]): Promise<Row | undefined> {
    const row = await this.#reader.get(table, key)
    if (isOfState(table)) await this.#tree.check(table, key.slice(1) as Key, row)
    return row
  }

  async range(table: string, asking: Range): Promise<Row[]> {
    const rows = await this.#reader.range(table, asking)
    if (!isOfState(table)) return rows
    const range = ownOnly(asking)
    const asked = range.prefix.slice(1) as Key
    for (const row of rows) await this.#tree.check(table, keyOf(table, row), row)
    if (!fits(table, range, rows)) throw this.#tree.tampered(table, asked)
    const isWhole = range.index === undefined && (range.after ?? []).length === 0
    const count = isWhole ? await this.#tree.countBelow(table, asked) : undefined
    if (count !== undefined && rows.length !== Math.min(count, range.limit)) throw this.#tree.tampered(table, asked)
    if (!(await this.#isDense(table, range, rows))) throw this.#tree.tampered(table, asked)
    return rows
  }

  /** Of what has a row for each version none is passed over, on any page: nor the next one, where there seem to be no more. */
  async #isDense(table: string, range: Range, rows: readonly Row[]): Promise<boolean> {
    const asked = versionsAsked(table, range)
    if (asked === undefined) return true
    const { id, from } = asked
    const last = Number(rows.at(-1)?.['version'] ?? from - 1)
    const to = rows.length < range.limit ? last + 1 : last
    let count = 0
    for (let start = from; start <= to && count <= rows.length;) {
      const end = Math.min(to, start - (start % versionsTogether) + versionsTogether - 1)
      count += await this.#tree.countVersions(table, { id, from: start, to: end })
      start = end + 1
    }
    return count === rows.length
  }
}

/** Whose versions are asked for, and from which one on; `undefined` where something else is. */
function versionsAsked(table: string, { prefix, after, order }: Range): Omit<Versions, 'to'> | undefined {
  const [, id, ...more] = prefix
  if (!denseTables.has(table) || order === 'desc' || typeof id !== 'string' || more.length > 0) return undefined
  return { id, from: Number(after?.[0] ?? 0) + 1 }
}

/** Whether rows are of those that were asked for, each once. */
function fits(table: string, { index, prefix }: Range, rows: readonly Row[]): boolean {
  const columns = indexColumns.get(`${table}/${index ?? ''}`) ?? []
  const isBelow = (row: Row): boolean => prefix.every((value, at) => row[columns[at] ?? ''] === value)
  return rows.every(isBelow) && new Set(rows.map((row) => JSON.stringify(keyOf(table, row)))).size === rows.length
}
