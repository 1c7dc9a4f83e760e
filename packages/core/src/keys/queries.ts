import { StorageTamperedError } from '../errors.ts'
import { isUuid } from '../internal/uuid.ts'
import { decodeKeys, decodeVersions } from '../state/decode.ts'
import type { Query } from '../state/query.ts'
import { rowsAs, type ImportRow, type KeyRow, type NameRow, type VersionRow } from '../state/rows.ts'
import type { StateView } from '../state/view.ts'
import { keySpecs } from './spec.ts'

/** The key with this id. */
export function keyById(id: string): Query<KeyRow | undefined> {
  return { table: 'keys', key: [id], decode: (rows) => made(decodeKeys(rows)[0]) }
}

/** A key that could have been made: of a usage that its spec has. @throws StorageTamperedError */
function made(key: KeyRow | undefined): KeyRow | undefined {
  if (key === undefined || keySpecs[key.spec].usages.includes(key.usage)) return key
  throw new StorageTamperedError('a stored key is for something that its spec is not for')
}

/** A version of a key. */
export function versionOf(keyId: string, version: number): Query<VersionRow | undefined> {
  return { table: 'versions', key: [keyId, version], decode: (rows) => decodeVersions(rows)[0] }
}

/** What is known of the material that was imported into a version; nothing where it came with the key or was made. */
export function importOf(keyId: string, version: number): Query<ImportRow | undefined> {
  return { table: 'imports', key: [keyId, version], decode: (rows) => rowsAs<ImportRow>(rows)[0] }
}

/** Who holds a name or alias of a key. */
export function keyName(name: string): Query<NameRow | undefined> {
  return { table: 'names', key: ['key', name], decode: (rows) => rowsAs<NameRow>(rows)[0] }
}

/** The id of the key that callers call so: an id as it is, or whoever holds the name. */
export async function resolveKey(view: StateView, reference: string): Promise<string | undefined> {
  if (isUuid(reference)) return reference
  return (await view.read(keyName(reference)))?.target
}
