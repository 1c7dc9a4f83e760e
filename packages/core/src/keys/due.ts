import { StorageTamperedError } from '../errors.ts'
import type { ChangeSet } from '../state/change-set.ts'
import type { DueRow } from '../state/lifecycle-rows.ts'
import { policyOf } from '../state/policy.ts'
import type { Query } from '../state/query.ts'
import { rowsAs, type KeyRow, type VersionRow } from '../state/rows.ts'
import type { StateView } from '../state/view.ts'
import { isSpent, messageCountOf } from './messages.ts'
import { versionOf } from './queries.ts'
import { dayMs, expiryOf, retentionEnd } from './validity.ts'

/** What is done to a key by itself. */
export type KeyJob = 'destroy' | 'expireKey' | 'rotate' | 'expireVersion' | 'cleanUp'
/** What is done to a key or version by itself; `settle` where it turns out that nothing is. */
export type Job = KeyJob | 'disable' | 'revoke' | 'settle'

/** A key with its current version, as far as it decides what is due. */
export interface DueFacts {
  readonly key: KeyRow
  readonly current: VersionRow
  /** The version whose expiry was recorded. */
  readonly toldOf: number
  /** How many messages the current version may have protected, where they are counted. */
  readonly messages: number
}

/** Later than everything. */
const never = 8_640_000_000_000_000

/** When each job is due; `Infinity` for never. The one table of what happens to keys by itself. */
const moments: Readonly<Record<KeyJob, (facts: DueFacts) => number>> = Object.freeze({
  destroy: ({ key }) => (key.state === 'PendingDeletion' ? (key.deletionDueAt ?? Infinity) : Infinity),
  expireKey: ({ key }) => (key.state === 'Enabled' ? (policyOf(key).validUntil ?? Infinity) : Infinity),
  rotate: ({ key, current, messages }) => {
    if (!rotates(key)) return Infinity
    return current.createdAt + (isSpent(key, messages) ? 0 : rotationDays(key) * dayMs)
  },
  expireVersion: ({ key, current, toldOf }) =>
    isAlive(key) && toldOf !== current.version ? expiryOf(key, current) : Infinity,
  cleanUp: ({ key, current }) =>
    isAlive(key) && policyOf(key).deletionProtection !== true ? retentionEnd(key, current) : Infinity,
})
const jobs = Object.keys(moments) as KeyJob[]

function rotates(key: KeyRow): boolean {
  return key.state === 'Enabled' && key.origin !== 'EXTERNAL'
}

function rotationDays(key: KeyRow): number {
  return policyOf(key).rotationPeriodDays ?? Infinity
}

function isAlive({ state }: KeyRow): boolean {
  return state === 'Enabled' || state === 'Disabled' || state === 'PendingImport'
}

/**
 * The job that is due to a key: the one that has waited longest. But a key whose time is over is ended first, since that
 * forbids the rest.
 */
export function keyJobAt(facts: DueFacts, now: number): Job {
  const times = jobs.map((job) => ({ job, at: moments[job](facts) })).filter(({ at }) => at <= now)
  if (times.some(({ job }) => job === 'expireKey')) return 'expireKey'
  return times.toSorted((a, b) => a.at - b.at)[0]?.job ?? 'settle'
}

/** The job that is due to a version: its grace period is over. */
export function versionJobAt(key: KeyRow, version: VersionRow | undefined, now: number): Job {
  if (version?.state !== 'retired' || now < (version.graceEndsAt ?? Infinity)) return 'settle'
  return policyOf(key).afterGrace ?? 'disable'
}

/** How many messages the current version of a key may have protected; 0 where nobody counts them. */
export async function messagesOf(view: StateView, key: KeyRow): Promise<number> {
  if (policyOf(key).rotateAfterMessages === undefined) return 0
  return (await view.read(messageCountOf(key.id, key.currentVersion)))?.messages ?? 0
}

/** What is due to a key (version 0) or to a version of it. */
export function dueOf(keyId: string, version: number): Query<DueRow | undefined> {
  return { table: 'due', key: [keyId, version], decode: (rows) => rowsAs<DueRow>(rows)[0] }
}

/** Writes down when a key is looked at next. For whatever changes a key, in the same change. */
export async function settleKey(change: ChangeSet, key: KeyRow, told?: number): Promise<void> {
  const row = await change.read(dueOf(key.id, 0))
  const toldOf = told ?? row?.toldOf ?? 0
  await put(change, row, { keyId: key.id, version: 0, toldOf, wakeAt: await wakeTime(change, key, toldOf) })
}

/** Writes down when a version is looked at next. For whatever changes a version, in the same change. */
export async function settleVersion(
  change: ChangeSet,
  { keyId, version, state, graceEndsAt }: VersionRow,
): Promise<void> {
  const row = await change.read(dueOf(keyId, version))
  await put(change, row, { keyId, version, toldOf: 0, wakeAt: state === 'retired' ? graceEndsAt : null })
}

/** When a key is looked at next; `null` for never, and for nothing to keep in mind until then either. */
async function wakeTime(change: ChangeSet, key: KeyRow, toldOf: number): Promise<number | null> {
  if (key.state !== 'PendingDeletion' && (key.policy === '{}' || !isAlive(key))) return null
  const current = await change.read(versionOf(key.id, key.currentVersion))
  if (current === undefined) throw new StorageTamperedError('a key has lost its current version')
  const messages = await messagesOf(change, key)
  const next = Math.min(...jobs.map((job) => moments[job]({ key, current, toldOf, messages })))
  // What was told is kept in mind for as long as the policy stands.
  if (next === Infinity) return policyOf(key).expiresAfterDays === undefined ? null : never
  return next
}

async function put(change: ChangeSet, row: DueRow | undefined, { wakeAt, ...of }: Wake): Promise<void> {
  if (wakeAt === null) {
    if (row !== undefined) await change.remove('due', row)
    return
  }
  const free = { wakeAt, toldOf: of.toldOf, holder: null, attempts: 0 }
  if (row === undefined) {
    await change.insert('due', { ...of, ...free }, () => new StorageTamperedError('what was not due is due'))
  } else if (row.wakeAt !== wakeAt || row.toldOf !== of.toldOf || row.holder !== null) {
    await change.update('due', row, free)
  }
}

/** When what is looked at; `null` for never. */
interface Wake extends Pick<DueRow, 'keyId' | 'version' | 'toldOf'> {
  readonly wakeAt: number | null
}
