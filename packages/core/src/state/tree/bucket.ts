import { sha256 } from '../../crypto/hash.ts'
import { asBuffer } from '../../internal/bytes.ts'
import { jcs } from '../../internal/jcs.ts'
import type { Row } from '../../storage/table.ts'
import { keyOf, rowHash } from './place.ts'

const label = Buffer.from([0])

/** What the tree knows of a row. */
export interface Entry {
  readonly table: string
  /** Its primary key, without the tenant. */
  readonly key: readonly (string | number)[]
  readonly rev: number
  /** SHA-256 over the row's JCS, in base64url. */
  readonly hash: string
}

/** Versions of something, from one up to another. */
export interface Versions {
  readonly id: string
  readonly from: number
  readonly to: number
}

/**
 * The rows whose lookups fall together. Its content is the JCS of
 *
 * ```text
 * [[table, [primary key without the tenant], rev, hash], …]      ordered by the JCS of [table, [key]]
 * ```
 *
 * and its hash SHA-256(0x00 ‖ content).
 */
export class Bucket {
  readonly #entries: Map<string, Entry>

  constructor(entries: Iterable<readonly [string, Entry]> = []) {
    this.#entries = new Map(entries)
  }

  /** Reads a content whose hash was checked. */
  static of(content: Uint8Array): Bucket {
    const rows = JSON.parse(asBuffer(content).toString('utf8')) as [string, (string | number)[], number, string][]
    return new Bucket(rows.map(([table, key, rev, hash]) => [nameOf(table, key), { table, key, rev, hash }] as const))
  }

  /** Another bucket with the same rows, which may become others. */
  copy(): Bucket {
    return new Bucket(this.#entries)
  }

  /** Whether there is nothing in it. */
  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  /** What it knows of the row with this key. */
  get(table: string, key: Entry['key']): Entry | undefined {
    return this.#entries.get(nameOf(table, key))
  }

  /** How many versions of something it knows, from one up to another. */
  countVersions(table: string, { id, from, to }: Versions): number {
    let count = 0
    for (const { table: its, key } of this.#entries.values()) {
      const [owner, version] = key as [string, number]
      if (its === table && owner === id && version >= from && version <= to) count += 1
    }
    return count
  }

  /** Everything that it knows of. */
  entries(): Iterable<Entry> {
    return this.#entries.values()
  }

  /** The keys of the rows of a table that begin so. */
  keysBelow(table: string, beginning: Entry['key']): Entry['key'][] {
    const keys: Entry['key'][] = []
    for (const entry of this.#entries.values()) {
      if (entry.table === table && beginning.every((value, at) => entry.key[at] === value)) keys.push(entry.key)
    }
    return keys
  }

  /** Puts a row into the place of what was there, which is returned. */
  put(entry: Entry): Entry | undefined {
    const name = nameOf(entry.table, entry.key)
    const before = this.#entries.get(name)
    this.#entries.set(name, entry)
    return before
  }

  /** Takes the row with this key out, and returns it. */
  take(table: string, key: Entry['key']): Entry | undefined {
    const name = nameOf(table, key)
    const before = this.#entries.get(name)
    this.#entries.delete(name)
    return before
  }

  /** Its content, as it is stored. */
  toBytes(): Buffer {
    const sorted = [...this.#entries].toSorted(([a], [b]) => (a < b ? -1 : 1))
    // A name is the JCS of [table, [key]], so that the rest goes before its last bracket.
    const rows = sorted.map(([name, { rev, hash }]) => `${name.slice(0, -1)},${rev},${JSON.stringify(hash)}]`)
    return Buffer.from(`[${rows.join(',')}]`, 'utf8')
  }
}

/** The hash of a bucket with this content. */
export function bucketHash(content: Uint8Array): Buffer {
  return sha256(label, content)
}

/** Whether this is the very row that an entry is of: its key is what was asked for. No row is known where there is no entry. */
export function isKnown(row: Row | undefined, table: string, entry: Entry | undefined): boolean {
  if (row === undefined || entry === undefined) return row === entry
  try {
    return keyOf(table, row).every((value, at) => value === entry.key[at]) && rowHash(table, row) === entry.hash
  } catch {
    return false
  }
}

function nameOf(table: string, key: Entry['key']): string {
  return jcs([table, key])
}
