import { LimitExceededError, NameTakenError, StorageTamperedError } from '../errors.ts'
import type { ChangeSet } from '../state/change-set.ts'
import { decodeDataKeys, decodeDataKeyVersions } from '../state/decode.ts'
import type { Query } from '../state/query.ts'
import type { DataKeyRow, DataKeyVersionRow } from '../state/rows.ts'
import { invalidState } from './invalid-state.ts'

const maxVersion = 0xffff_ffff

/** The named data key whose reference has this hash. */
export function dataKeyById(id: string): Query<DataKeyRow | undefined> {
  return { table: 'data_keys', key: [id], decode: (rows) => decodeDataKeys(rows)[0] }
}

/** A version of a named data key. */
export function dataKeyVersion(id: string, version: number): Query<DataKeyVersionRow | undefined> {
  return { table: 'data_key_versions', key: [id, version], decode: (rows) => decodeDataKeyVersions(rows)[0] }
}

/** A version as it is sealed, and who made it when. */
export interface NewDataKeyVersion {
  readonly version: number
  readonly sealed: Buffer
  readonly actor: string
  readonly now: number
}

/** Adds a named data key with its first version, which is in use. @throws NameTakenError */
export async function addDataKey(change: ChangeSet, row: DataKeyRow, first: NewDataKeyVersion): Promise<void> {
  await change.insert('data_keys', row, () => new NameTakenError('another data key has this reference'))
  await addVersion(change, row, first)
}

/** The number of a data key's next version. @throws LimitExceededError */
export function nextDataKeyVersion(row: DataKeyRow): number {
  if (row.currentVersion >= maxVersion) throw new LimitExceededError('the data key has as many versions as it can have')
  return row.currentVersion + 1
}

/** Puts a new version into use, and deprecates the one before it. @throws StorageTamperedError, ConflictError */
export async function rotateDataKey(change: ChangeSet, row: DataKeyRow, next: NewDataKeyVersion): Promise<DataKeyRow> {
  const current = await change.read(dataKeyVersion(row.id, row.currentVersion))
  if (current === undefined) throw new StorageTamperedError('a data key has lost the version that is in use')
  const mark = { stateChangedAt: next.now, stateChangedBy: next.actor }
  await change.update('data_key_versions', current, { state: 'deprecated', ...mark })
  await addVersion(change, row, next)
  return change.update('data_keys', row, { currentVersion: next.version, rotatedAt: next.now })
}

async function addVersion(change: ChangeSet, { id }: DataKeyRow, next: NewDataKeyVersion): Promise<void> {
  const { version, sealed, actor, now } = next
  const made = { createdAt: now, createdBy: actor, stateChangedAt: now, stateChangedBy: actor }
  const row: Omit<DataKeyVersionRow, 'tenant' | 'rev'> = { id, version, state: 'inUse', sealed, ...made }
  await change.insert('data_key_versions', row, () => invalidState('this version exists already'))
}
