import { saltBytes } from '../crypto/chunked-encryption.ts'
import { randomBytesOf, type Randomness } from '../crypto/randomness.ts'
import { StorageTamperedError } from '../errors.ts'
import type { ChangeSet } from '../state/change-set.ts'
import type { SecretRow } from '../state/keyring-rows.ts'
import { decodeVersions } from '../state/decode.ts'
import { rowsAs, type ImportRow, type KeyRow } from '../state/rows.ts'
import type { Row, Value } from '../storage/table.ts'
import type { Keyring } from './keyring.ts'
import { secretIdentity, type SecretPurpose } from './house-secret.ts'
import { fingerprintIdentity } from './imports.ts'
import { keyById } from './queries.ts'
import { keyIdentity, kindOfWrapped, rewrapSecret, type Identity } from './wrapping.ts'

/** A row that holds something wrapped under a keyring epoch. */
interface WrappedRow {
  readonly epoch: number
  readonly rev: number
}

/** What has to be known of a table to wrap its rows again. */
interface WrappedTable {
  /** The column with what is wrapped. */
  readonly column: string
  readonly decode: (rows: readonly Row[]) => WrappedRow | undefined
  readonly identity: (keys: KeyReader, row: WrappedRow) => Identity | Promise<Identity>
}

/** Every table whose rows name a keyring epoch, the keyring's own and the log's heads apart. */
export const wrappedTables: Readonly<Record<string, WrappedTable>> = {
  secrets: {
    column: 'material',
    decode: (rows) => rowsAs<SecretRow>(rows)[0],
    identity: (_, row) => secretIdentity(row as SecretRow & { readonly purpose: SecretPurpose }),
  },
  imports: {
    column: 'fingerprint',
    decode: (rows) => rowsAs<ImportRow>(rows)[0],
    identity: (keys, row) => {
      const { keyId, version } = row as WrappedRow & Numbered
      return keys.with(keyId, (key) => fingerprintIdentity(key, version))
    },
  },
  versions: {
    column: 'material',
    decode: (rows) => decodeVersions(rows)[0],
    identity: (keys, row) => {
      const { keyId, version, material } = row as WrappedRow & Numbered & { readonly material: Uint8Array }
      return keys.with(keyId, (key) => keyIdentity(key, version, kindOfWrapped(material)))
    },
  },
}

interface Numbered {
  readonly keyId: string
  readonly version: number
}

/** Reads keys, each once: rows that are moved together are mostly versions of few keys. */
export class KeyReader {
  readonly #set: ChangeSet
  readonly #keys = new Map<string, KeyRow>()

  constructor(set: ChangeSet) {
    this.#set = set
  }

  /** What is made of a key: at once, where it was read before. */
  with<T>(id: string, make: (key: KeyRow) => T): T | Promise<T> {
    const key = this.#keys.get(id)
    return key === undefined ? this.#read(id).then(make) : make(key)
  }

  async #read(id: string): Promise<KeyRow> {
    const key = await this.#set.read(keyById(id))
    if (key === undefined) throw new StorageTamperedError('a stored version belongs to no key')
    this.#keys.set(id, key)
    return key
  }
}

/** A row to move, by its primary key without the tenant. */
export interface RowToMove {
  readonly table: string
  readonly key: readonly (string | number)[]
  /** What was read of it before, of which nothing is believed. */
  readonly row: Row
}

/**
 * Wraps what rows hold under the newest epoch. Says of how many: a row that is under it, or gone, is none of our business
 * any more.
 *
 * @throws StorageTamperedError for what does not open as what it is
 */
export async function rewrapRows(by: Rewrapping, some: readonly RowToMove[]): Promise<number> {
  let moved = 0
  for (const table of Object.keys(wrappedTables)) {
    const seen = some.filter((each) => each.table === table)
    if (seen.length === 0) continue
    const rows = await by.set.asOfNow(table, seen)
    // Random bytes are had much faster in one go.
    const salts = randomBytesOf(by.random, rows.length * saltBytes)
    for (const [at, row] of rows.entries()) {
      const salt = salts.subarray(at * saltBytes, (at + 1) * saltBytes)
      if (await rewrapRow(by, { table, row, salt })) moved += 1
    }
  }
  return moved
}

async function rewrapRow({ set, keyring, keys }: Rewrapping, stored: Stored): Promise<boolean> {
  const { table, salt } = stored
  const how = wrappedTables[table] as WrappedTable
  const row = how.decode([stored.row])
  if (row === undefined || row.epoch === keyring.epoch) return false
  const wrapped = Reflect.get(row, how.column) as Uint8Array | null
  const changes: Record<string, Value> = { epoch: keyring.epoch }
  // A version that was destroyed, or waits for its material, has none: it merely names another epoch.
  if (wrapped !== null) {
    const { epochs, epoch } = keyring
    const under = { from: epochs.of(row.epoch).wrap, to: epochs.of(epoch).wrap, salt }
    const identity = how.identity(keys, row)
    changes[how.column] = rewrapSecret(under, identity instanceof Promise ? await identity : identity, wrapped)
  }
  await set.update(table, row, changes as Partial<WrappedRow>)
  return true
}

/** A row that was read, and the salt of its next wrapping. */
interface Stored {
  readonly table: string
  readonly row: Row
  readonly salt: Uint8Array
}

/** What rows are moved with. */
export interface Rewrapping {
  readonly set: ChangeSet
  readonly keyring: Keyring
  readonly random: Randomness
  readonly keys: KeyReader
}
