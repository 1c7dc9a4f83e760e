import { StorageTamperedError } from '../errors.ts'
import { wipe } from '../internal/bytes.ts'
import type { ChangeSet } from '../state/change-set.ts'
import type { SecretRow } from '../state/keyring-rows.ts'
import type { Query } from '../state/query.ts'
import { rowsAs, type KeyRow } from '../state/rows.ts'
import type { Row, Value } from '../storage/table.ts'
import type { Keyring } from './keyring.ts'
import { secretIdentity, type SecretPurpose } from './house-secret.ts'
import { fingerprintIdentity } from './imports.ts'
import { importOf, keyById, versionOf } from './queries.ts'
import { keyIdentity, kindOfWrapped, type Identity } from './wrapping.ts'

/** A row that holds something wrapped under a keyring epoch. */
interface WrappedRow {
  readonly epoch: number
  readonly rev: number
}

/** What has to be known of a table to wrap its rows again. */
interface WrappedTable {
  /** The column with what is wrapped. */
  readonly column: string
  readonly query: (key: readonly Value[]) => Query<WrappedRow | undefined>
  readonly identity: (keys: KeyReader, row: WrappedRow) => Promise<Identity>
}

/** Every table whose rows name a keyring epoch, the keyring's own and the log's heads apart. */
export const wrappedTables: Readonly<Record<string, WrappedTable>> = {
  secrets: {
    column: 'material',
    query: (key) => ({ table: 'secrets', key, decode: (rows) => rowsAs<SecretRow>(rows)[0] }),
    identity: async (_, row) => secretIdentity(row as SecretRow & { readonly purpose: SecretPurpose }),
  },
  imports: {
    column: 'fingerprint',
    query: ([id, version]) => importOf(id as string, version as number),
    identity: async (keys, row) => {
      const { keyId, version } = row as WrappedRow & Numbered
      return fingerprintIdentity(await keys.of(keyId), version)
    },
  },
  versions: {
    column: 'material',
    query: ([id, version]) => versionOf(id as string, version as number),
    identity: async (keys, row) => {
      const { keyId, version, material } = row as WrappedRow & Numbered & { readonly material: Uint8Array }
      return keyIdentity(await keys.of(keyId), version, kindOfWrapped(material))
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

  async of(id: string): Promise<KeyRow> {
    const key = this.#keys.get(id) ?? (await this.#set.read(keyById(id)))
    if (key === undefined) throw new StorageTamperedError('a stored version belongs to no key')
    this.#keys.set(id, key)
    return key
  }
}

/** The primary key of a row, without the tenant. */
export interface RowName {
  readonly table: string
  readonly key: readonly (string | number)[]
}

/**
 * Wraps what a row holds under the newest epoch. Says whether there was anything to do: a row that is under it, or gone,
 * is none of our business any more.
 *
 * @throws StorageTamperedError for what does not open as what it is
 */
export async function rewrapRow({ set, keyring, keys }: Rewrapping, { table, key }: RowName): Promise<boolean> {
  const how = wrappedTables[table] as WrappedTable
  const row = await set.read(how.query(key))
  if (row === undefined || row.epoch === keyring.epoch) return false
  const wrapped = Reflect.get(row, how.column) as Uint8Array | null
  const changes: Record<string, Value> = { epoch: keyring.epoch }
  // A version that was destroyed, or waits for its material, has none: it merely names another epoch.
  if (wrapped !== null) {
    const identity = await how.identity(keys, row)
    const bytes = keyring.unwrap(row.epoch, identity, wrapped)
    changes[how.column] = keyring.wrap(identity, bytes)
    wipe(bytes)
  }
  await set.update(table, row, changes as Partial<WrappedRow>)
  return true
}

/** What rows are moved with. */
export interface Rewrapping {
  readonly set: ChangeSet
  readonly keyring: Keyring
  readonly keys: KeyReader
}

/** The name of a stored row. */
export function nameOf(table: string, primaryKey: readonly string[], row: Row): RowName {
  return { table, key: primaryKey.slice(1).map((column) => row[column] as string | number) }
}
