import type { FreshMaterial } from '../crypto/fresh-material.ts'
import { equalBytes, sha256 } from '../crypto/hash.ts'
import { ConflictError, StorageTamperedError } from '../errors.ts'
import { wipe } from '../internal/bytes.ts'
import type { ChangeSet } from '../state/change-set.ts'
import type { ImportRow, KeyRow, VersionRow } from '../state/rows.ts'
import { findVersion } from './find.ts'
import type { Keyring } from './keyring.ts'
import { importOf } from './queries.ts'
import { invalidState } from './invalid-state.ts'
import { requireState, requireTransition, versionStates } from './state.ts'
import { stateColumns, type Mark } from './store.ts'
import { keyIdentity, kindOfWrapped, wrapTypes, type Identity } from './wrapping.ts'

const label = Buffer.from('chatelaine/imported-material/v1\0', 'latin1')

/** Material that is imported into a version, and until when. */
export interface Import {
  readonly version: number
  readonly material: FreshMaterial
  readonly expiresAt: number | null
  readonly mark: Mark
}

/**
 * Puts material into a version that waits for it, or once more into one that has it. A version never gets other material
 * than its first, since what was protected with that would be lost, or come from nobody knows where.
 *
 * @throws InvalidKeyStateError, ConflictError for other material
 */
export async function importMaterial(
  change: ChangeSet,
  { key, keyring }: Place,
  given: Import,
): Promise<{ key: KeyRow; isFirst: boolean }> {
  const version = await importable(change, key, given.version)
  const fingerprint = fingerprintOf(given.material)
  const known = await knownFingerprint(change, { key, keyring }, version)
  if (known !== undefined && !equalBytes(known, fingerprint)) {
    throw new ConflictError('the key version had other material: it takes only the same again')
  }
  const row = await change.read(importOf(key.id, version.version))
  const told = { expiresAt: given.expiresAt, importedAt: given.mark.now, importedBy: given.mark.actor }
  await putImport(change, row, { ...sealed({ key, keyring }, version, fingerprint), ...told })
  await change.update('versions', version, keyring.wrapFresh(key, version.version, given.material))
  if (version.version !== key.currentVersion) return { key, isFirst: known === undefined }
  return { key: await enabled(change, key, given), isFirst: known === undefined }
}

async function enabled(change: ChangeSet, key: KeyRow, { expiresAt, mark }: Import): Promise<KeyRow> {
  if (key.state === 'Enabled') return change.update('keys', key, { validUntil: expiresAt })
  requireTransition(key, 'Enabled')
  const moved = { state: 'Enabled', priorState: key.state, ...stateColumns(mark) } as const
  return change.update('keys', key, { ...moved, validUntil: expiresAt })
}

/**
 * Takes the material of a version away. What remains is a fingerprint, so that the same can be told when it comes again.
 * A key whose current version has none does nothing. Of a version that has none already nothing happens.
 *
 * @throws InvalidKeyStateError
 */
export async function removeMaterial(change: ChangeSet, { key, keyring }: Place, removal: Removal): Promise<KeyRow> {
  const version = await importable(change, key, removal.version)
  if (version.material === null) return key
  const fingerprint = (await knownFingerprint(change, { key, keyring }, version)) as Buffer
  const row = await change.read(importOf(key.id, version.version))
  const { actor, now } = removal.mark
  const told = { importedAt: row?.importedAt ?? now, importedBy: row?.importedBy ?? actor, expiresAt: null }
  await putImport(change, row, { ...sealed({ key, keyring }, version, fingerprint), ...told })
  await change.update('versions', version, { material: null, publicKey: null })
  keyring.forget(key, version.version)
  if (version.version !== key.currentVersion) return key
  const waits = { state: 'PendingImport', validUntil: null, ...stateColumns(removal.mark) } as const
  if (key.state !== 'PendingImport') requireTransition(key, 'PendingImport')
  return change.update('keys', key, { ...waits, priorState: key.state })
}

/** Which version loses its material, and who takes it away. */
export interface Removal {
  readonly version: number
  readonly mark: Mark
}

/** A key whose material comes from outside, and what unwraps it. */
export interface Place {
  readonly key: KeyRow
  readonly keyring: Keyring
}

/** A version whose material may come and go: one that still protects or processes. @throws InvalidKeyStateError */
export async function importable(change: ChangeSet, key: KeyRow, number: number): Promise<VersionRow> {
  requireState(key, 'import')
  const version = await findVersion(change, key, number)
  if (!versionStates[version.state].allows.includes('process')) throw invalidState(`the version is ${version.state}`)
  return version
}

/** SHA-256 over what the material is and its bytes, in the one encoding that is stored. Itself a secret: it is wrapped. */
function fingerprintOf({ kind, bytes }: FreshMaterial): Buffer {
  return sha256(label, Buffer.from([wrapTypes[kind]]), bytes)
}

/** The fingerprint of the material that a version has or had; `undefined` before the first. @throws StorageTamperedError */
async function knownFingerprint(
  change: ChangeSet,
  { key, keyring }: Place,
  version: VersionRow,
): Promise<Buffer | undefined> {
  const row = await change.read(importOf(key.id, version.version))
  if (row !== undefined) return keyring.unwrap(row.epoch, fingerprintIdentity(key, version.version), row.fingerprint)
  if (version.material === null) return undefined
  // Material that came with the key, or with a rotation, has no row of its own.
  const kind = kindOfWrapped(version.material)
  const bytes = keyring.unwrap(version.epoch, keyIdentity(key, version.version, kind), version.material)
  const fingerprint = fingerprintOf({ kind, bytes, publicKey: null })
  wipe(bytes)
  return fingerprint
}

function sealed(
  { key, keyring }: Place,
  { version }: VersionRow,
  fingerprint: Buffer,
): Pick<ImportRow, 'keyId' | 'version' | 'epoch' | 'fingerprint'> {
  const wrapped = keyring.wrap(fingerprintIdentity(key, version), fingerprint)
  return { keyId: key.id, version, epoch: keyring.epoch, fingerprint: wrapped }
}

async function putImport(
  change: ChangeSet,
  known: ImportRow | undefined,
  row: Omit<ImportRow, 'tenant' | 'rev'>,
): Promise<void> {
  if (known !== undefined) await change.update('imports', known, row)
  else await change.insert('imports', row, () => new StorageTamperedError('an import that was not there is there'))
}

/** Whose secret a fingerprint of imported material is. */
export function fingerprintIdentity(key: KeyRow, version: number): Identity {
  return { ...keyIdentity(key, version, 'symmetric'), type: wrapTypes.fingerprint }
}
