import { LimitExceededError, NameTakenError } from '../errors.ts'
import { ownOnly } from '../internal/own.ts'
import type { ChangeSet } from '../state/change-set.ts'
import { policyOf } from '../state/policy.ts'
import type { KeyRow, KeyState, VersionRow, VersionState } from '../state/rows.ts'
import { settleKey, settleVersion } from './due.ts'
import { findVersion } from './find.ts'
import { settleLabels } from './labels.ts'
import type { WrappedMaterial } from './keyring.ts'
import { versionOf } from './queries.ts'
import { invalidState } from './invalid-state.ts'
import { requireRotatable, requireTransition, requireVersionTransition } from './state.ts'
import { dayMs, requireNotOver } from './validity.ts'

/** Who changes something, when, and why. */
export interface Mark {
  readonly actor: string
  readonly now: number
  readonly reason: string | undefined
}

const maxVersion = 0xffff_ffff

/** Adds a key with its first version, which may wait for its material, and its name. @throws NameTakenError */
export async function addKey(change: ChangeSet, key: KeyRow, version: NewVersion | AwaitedVersion): Promise<void> {
  if (key.name !== null) await addName(change, key.name, key.id)
  await change.insert('keys', key, () => new NameTakenError('this key exists already'))
  await addVersion(change, key, version)
  if (key.owner !== null || key.tags !== '{}') await settleLabels(change, key)
  await settleKey(change, key)
}

/** The number of a key's next version. @throws LimitExceededError when a ciphertext could not name it. */
export function nextVersion(key: KeyRow): number {
  if (key.currentVersion >= maxVersion) throw new LimitExceededError('the key has as many versions as a key can have')
  return key.currentVersion + 1
}

/** A new version. */
export interface NewVersion extends WrappedMaterial {
  readonly version: number
  readonly mark: Mark
}

/** A version whose material is yet to be imported. */
export interface AwaitedVersion extends Omit<NewVersion, 'material'> {
  readonly material: null
}

async function addName(change: ChangeSet, name: string, target: string): Promise<void> {
  const taken = (): NameTakenError => new NameTakenError('another key has this name')
  await change.insert('names', { space: 'key', name, target, kind: 'name' }, taken)
}

async function addVersion(change: ChangeSet, key: KeyRow, next: NewVersion | AwaitedVersion): Promise<void> {
  const row: Omit<VersionRow, 'tenant' | 'rev'> = {
    keyId: key.id,
    version: next.version,
    epoch: next.epoch,
    state: 'current',
    priorState: null,
    material: next.material,
    publicKey: next.publicKey,
    graceEndsAt: null,
    createdAt: next.mark.now,
    ...stateColumns(next.mark),
  }
  await change.insert('versions', row, () => invalidState('this version exists already'))
}

/**
 * Makes a new version the current one. The old one retires, with an end where the key has a grace period; one that
 * was disabled or revoked stays so, and can only come back as retired.
 *
 * @throws InvalidKeyStateError
 */
export async function rotateKey(change: ChangeSet, key: KeyRow, next: NewVersion): Promise<KeyRow> {
  const current = await findVersion(change, key, key.currentVersion)
  requireRotatable(key, current, next.mark.now)
  if (current.state === 'current') {
    const graceEndsAt = graceEnd(key, next.mark.now)
    const retired = { state: 'retired', graceEndsAt, ...stateColumns(next.mark) } as const
    await settleVersion(change, await change.update('versions', current, retired))
  } else if (current.state === 'disabled') {
    await change.update('versions', current, { priorState: 'retired', graceEndsAt: graceEnd(key, next.mark.now) })
  }
  await addVersion(change, key, next)
  return settled(change, await change.update('keys', key, { currentVersion: next.version, validUntil: null }))
}

function graceEnd(key: KeyRow, now: number): number | null {
  const { gracePeriodDays } = policyOf(key)
  return gracePeriodDays === undefined ? null : now + gracePeriodDays * dayMs
}

/** Moves a key from one of the verb's states to another. @throws InvalidKeyStateError */
export async function moveKey(change: ChangeSet, key: KeyRow, move: KeyMove): Promise<KeyRow> {
  const to = ownOnly(move)
  if (!to.from.includes(key.state)) throw invalidState(`the key is ${key.state}`)
  requireTransition(key, to.state)
  if (to.state === 'Enabled') {
    requireNotOver(key, to.mark.now)
    const current = await change.read(versionOf(key.id, key.currentVersion))
    const usable = current?.state === 'current' && current.material !== null
    if (!usable) throw invalidState('its current version is not usable: rotate it first')
  }
  const deletionDueAt = to.deletionDueAt ?? null
  const moved = { state: to.state, priorState: key.state, deletionDueAt, ...stateColumns(to.mark) }
  return settled(change, await change.update('keys', key, moved))
}

/** The key, with what is due to it written down. */
async function settled(change: ChangeSet, key: KeyRow): Promise<KeyRow> {
  await settleKey(change, key)
  return key
}

/** Where a key goes. */
export interface KeyMove {
  /** The states in which the verb takes a key. */
  readonly from: readonly KeyState[]
  readonly state: KeyState
  readonly mark: Mark
  readonly deletionDueAt?: number | undefined
}

/** Disables or revokes a version; a key that loses its current version so is disabled. @throws InvalidKeyStateError */
export async function stopVersion(change: ChangeSet, key: KeyRow, stop: VersionStop): Promise<KeyRow> {
  if (key.state !== 'Enabled' && key.state !== 'Disabled') throw invalidState(`the key is ${key.state}`)
  const version = await findVersion(change, key, stop.version)
  requireVersionTransition(version, stop.state)
  const priorState = stop.state === 'disabled' ? version.state : null
  const stopped = { state: stop.state, priorState, ...stateColumns(stop.mark) }
  await settleVersion(change, await change.update('versions', version, stopped))
  if (version.version !== key.currentVersion || key.state !== 'Enabled') return key
  return moveKey(change, key, { from: ['Enabled'], state: 'Disabled', mark: stop.mark })
}

/** Which version stops, and how. */
export interface VersionStop {
  readonly version: number
  readonly state: Extract<VersionState, 'disabled' | 'revoked'>
  readonly mark: Mark
}

/** Makes a disabled version what it was before. @throws InvalidKeyStateError */
export async function resumeVersion(change: ChangeSet, key: KeyRow, resume: VersionResume): Promise<KeyRow> {
  if (key.state !== 'Enabled' && key.state !== 'Disabled') throw invalidState(`the key is ${key.state}`)
  const version = await findVersion(change, key, resume.version)
  if (version.state !== 'disabled') throw invalidState(`the version is ${version.state}`)
  const state = version.priorState ?? 'retired'
  requireVersionTransition(version, state)
  const resumed = { state, priorState: null, ...stateColumns(resume.mark) }
  await settleVersion(change, await change.update('versions', version, resumed))
  return key
}

/** Which version resumes. */
export interface VersionResume {
  readonly version: number
  readonly mark: Mark
}

/** The columns that say who changed a state, when and why. */
export function stateColumns(mark: Mark): Pick<KeyRow, 'stateChangedAt' | 'stateChangedBy' | 'stateReason'> {
  return { stateChangedAt: mark.now, stateChangedBy: mark.actor, stateReason: mark.reason ?? null }
}
