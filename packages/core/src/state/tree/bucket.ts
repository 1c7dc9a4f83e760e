import { sha256 } from '../../crypto/hash.ts'
import { jcs } from '../../internal/jcs.ts'

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

type Entries = ReadonlyMap<string, Entry>

/**
 * The rows whose lookups fall together. Never changed: a change makes another one. Its content is the JCS of
 *
 * ```text
 * [[table, [primary key without the tenant], rev, hash], …]      ordered by the JCS of [table, [key]]
 * ```
 *
 * and its hash SHA-256(0x00 ‖ content).
 */
export class Bucket {
  readonly #entries: Entries

  constructor(entries: Entries = new Map()) {
    this.#entries = entries
  }

  /** Reads a content whose hash was checked. */
  static of(content: Uint8Array): Bucket {
    const rows = JSON.parse(Buffer.from(content).toString('utf8')) as [string, (string | number)[], number, string][]
    return new Bucket(
      new Map(rows.map(([table, key, rev, hash]) => [nameOf(table, key), { table, key, rev, hash }] as const)),
    )
  }

  /** Whether there is nothing in it. */
  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  /** What it knows of the row with this key. */
  get(table: string, key: Entry['key']): Entry | undefined {
    return this.#entries.get(nameOf(table, key))
  }

  /** How many rows of a table have keys that begin so. */
  countBelow(table: string, beginning: Entry['key']): number {
    let count = 0
    for (const entry of this.#entries.values()) {
      if (entry.table === table && beginning.every((value, at) => entry.key[at] === value)) count += 1
    }
    return count
  }

  /** The bucket with this row in it, in the place of what was there. */
  with(entry: Entry): Bucket {
    return new Bucket(new Map(this.#entries).set(nameOf(entry.table, entry.key), entry))
  }

  /** The bucket without the row with this key. */
  without(table: string, key: Entry['key']): Bucket {
    const rest = new Map(this.#entries)
    rest.delete(nameOf(table, key))
    return new Bucket(rest)
  }

  /** Its content, as it is stored. */
  toBytes(): Buffer {
    const sorted = [...this.#entries].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return Buffer.from(jcs(sorted.map(([, { table, key, rev, hash }]) => [table, key, rev, hash])), 'utf8')
  }
}

/** The hash of a bucket with this content. */
export function bucketHash(content: Uint8Array): Buffer {
  return sha256(label, content)
}

function nameOf(table: string, key: Entry['key']): string {
  return jcs([table, key])
}
