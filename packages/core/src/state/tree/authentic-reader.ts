import { ownOnly } from '../../internal/own.ts'
import type { StorageReader } from '../../storage/adapter.ts'
import type { Range, Row, Value } from '../../storage/table.ts'
import type { Versions } from './bucket.ts'
import { compareInOrder, isInOrder, keysShown } from './order.ts'
import { denseTables, isOfState, keyOf, versionsTogether } from './place.ts'
import type { StateTree } from './state-tree.ts'

type Key = readonly (string | number)[]

/**
 * Reads a snapshot or a transaction, and believes of the state only what the tree says: every row that is found, and
 * that there is none. Rows below a beginning of a key that decides their bucket are all there, page by page too; of a
 * page of a longer list each row is checked, and of versions that none is missing. The log is read as it is: it has its
 * own chain.
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

  /** Reads the same, and believes what is stored: for whoever checks it against the tree. */
  get unchecked(): StorageReader {
    return this.#reader
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
    if (!isInOrder(table, range, rows)) throw this.#tree.tampered(table, asked)
    if (!(await this.#isWhole(table, range, rows))) throw this.#tree.tampered(table, asked)
    if (!(await this.#isDense(table, range, rows))) throw this.#tree.tampered(table, asked)
    return rows
  }

  /** Where the rows that are asked for share a bucket, a page shows those that it lists, from where it begins. */
  async #isWhole(table: string, range: Range, rows: readonly Row[]): Promise<boolean> {
    if (range.index !== undefined) return true
    const known = await this.#tree.keysBelow(table, range.prefix.slice(1) as Key)
    if (known === undefined) return true
    const shown = keysShown(known, range)
    return shown.length === rows.length && rows.every((row, at) => isSame(keyOf(table, row), shown[at] as Key))
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

function isSame(a: Key, b: Key): boolean {
  return a.length === b.length && compareInOrder(a, b) === 0
}
