import type { KeyRow, KeyState, VersionRow, VersionState } from '../state/rows.ts'
import { invalidState } from './invalid-state.ts'
import { protectableUntil, readableUntil, requireNotOver, requireWindow } from './validity.ts'

/** What somebody needs of a key: protect, process (the inverse), rotate, import, manage (update, tag, grant), describe. */
export type Need = 'protect' | 'process' | 'rotate' | 'import' | 'manage' | 'describe'

interface StateRow<S> {
  readonly allows: readonly Need[]
  readonly to: readonly S[]
}

/** States of a key: what each allows, and where it may go. The one table of key states in code. */
export const keyStates: Readonly<Record<KeyState, StateRow<KeyState>>> = Object.freeze({
  Enabled: {
    allows: ['protect', 'process', 'rotate', 'import', 'manage', 'describe'],
    // Only a key whose material was brought can lose it, and wait for it again.
    to: ['Disabled', 'PendingImport', 'PendingDeletion', 'Revoked'],
  },
  Disabled: { allows: ['manage', 'describe'], to: ['Enabled', 'PendingDeletion', 'Revoked'] },
  PendingImport: { allows: ['import', 'manage', 'describe'], to: ['Enabled', 'PendingDeletion'] },
  // Called off, a deletion leads back to `Revoked` where it came from there, so that nothing revoked comes to life again,
  // and to `PendingImport` where there is no material to enable.
  PendingDeletion: { allows: ['describe'], to: ['Disabled', 'PendingImport', 'Revoked', 'Destroyed'] },
  Revoked: { allows: ['describe'], to: ['PendingDeletion'] },
  Destroyed: { allows: ['describe'], to: [] },
})

/** States of a version of an enabled key. `disabled` also goes back to what it was before. */
export const versionStates: Readonly<Record<VersionState, StateRow<VersionState>>> = Object.freeze({
  current: { allows: ['protect', 'process'], to: ['retired', 'disabled', 'revoked'] },
  retired: { allows: ['process'], to: ['disabled', 'revoked', 'destroyed'] },
  disabled: { allows: [], to: ['current', 'retired'] },
  revoked: { allows: [], to: ['destroyed'] },
  destroyed: { allows: [], to: [] },
})

/** @throws InvalidKeyStateError unless the key's state allows it. */
export function requireState(key: KeyRow, need: Need): void {
  if (!keyStates[key.state].allows.includes(need)) throw invalidState(`the key is ${key.state}`)
}

/** @throws InvalidKeyStateError unless the key may go to this state. */
export function requireTransition(key: KeyRow, to: KeyState): void {
  if (!keyStates[key.state].to.includes(to)) throw invalidState(`the key is ${key.state} and cannot become ${to}`)
}

/** @throws InvalidKeyStateError unless the version may go to this state. */
export function requireVersionTransition(version: VersionRow, to: VersionState): void {
  if (versionStates[version.state].to.includes(to)) return
  throw invalidState(`the version is ${version.state} and cannot become ${to}`)
}

/** What decides whether a version may be used. */
export interface VersionUse {
  readonly need: 'protect' | 'process' | 'describe'
  readonly now: number
  /** When the version's material ends, where it was brought and has an end. @defaultValue never */
  readonly materialEnds?: number | undefined
  /** Set where something is finished that the version protects: rotated meanwhile or not, it must not have expired. */
  readonly finishes?: true | undefined
  /** Set for an admin who gets data away from a revoked key. */
  readonly allowRevoked?: boolean | undefined
}

/** @throws InvalidKeyStateError unless key and version may be used so now. Returns when that ends. */
export function requireUsable(key: KeyRow, version: VersionRow, use: VersionUse): number {
  const ends = allowedUntil(key, version, use)
  return Math.min(ends, materialUntil(version, use))
}

function allowedUntil(key: KeyRow, version: VersionRow, use: VersionUse): number {
  if (use.allowRevoked === true && isRescuable(key, version)) return Infinity
  requireState(key, use.need)
  // A version can be told of for as long as there is anything of it.
  if (use.need === 'describe') return Infinity
  if (!versionStates[version.state].allows.includes(use.need)) throw invalidState(`the version is ${version.state}`)
  const overAt = requireWindow(key, use.now)
  const until = use.need === 'protect' ? protectableUntil : processableUntil
  const expiresAt = use.finishes === true ? protectableUntil(key, version, use.now) : Infinity
  return Math.min(overAt, expiresAt, until(key, version, use.now))
}

/** Until when there is material: brought material can have an end, and be taken away. */
function materialUntil(version: VersionRow, { now, materialEnds = Infinity }: VersionUse): number {
  if (version.material === null) throw invalidState(`the version is ${version.state} and has no material`)
  if (now >= materialEnds) throw invalidState('the imported material has expired')
  return materialEnds
}

/**
 * The key as it is now: an enabled one whose imported material has expired waits for it again, whether anybody has
 * written that down or not. A disabled one stays disabled, so that an import never brings it to life.
 */
export function keyAt(key: KeyRow, now: number): KeyRow {
  const { validUntil } = key
  const lapsed = key.state === 'Enabled' && validUntil !== null && now >= validUntil
  return lapsed ? { ...key, state: 'PendingImport', stateChangedAt: validUntil, stateReason: null } : key
}

/** Until when a version decrypts: from `minDecryptVersion` on, and a retired one as long as its grace lasts. */
function processableUntil(key: KeyRow, version: VersionRow, now: number): number {
  if (version.version < key.minDecryptVersion) throw invalidState('the version is below minDecryptVersion')
  const ends = version.state === 'retired' ? (version.graceEndsAt ?? Infinity) : Infinity
  if (now >= ends) throw invalidState('the grace period of the version is over')
  return Math.min(ends, readableUntil(key, version, now))
}

/** Whether something was revoked here, and nothing else stands in the way. */
function isRescuable(key: KeyRow, version: VersionRow): boolean {
  if (version.state === 'revoked') return ['Enabled', 'Disabled', 'Revoked'].includes(key.state)
  return key.state === 'Revoked' && versionStates[version.state].allows.includes('process')
}

/** Whether the key may get a new version: enabled, or disabled because its current version is. */
export function requireRotatable(key: KeyRow, current: VersionRow, now: number): void {
  requireNotOver(key, now)
  const lost = current.state === 'revoked' || current.state === 'disabled'
  if (key.state === 'Disabled' && lost) return
  requireState(key, 'rotate')
}
