import { LimitExceededError, StorageTamperedError } from '../errors.ts'
import { QuotaExceededError } from '../internal/quota-exceeded.ts'
import { limits } from '../internal/defaults.ts'
import type { ChangeSet } from '../state/change-set.ts'
import { quotaScopeNames, type QuotaRow, type QuotaUseRow } from '../state/lifecycle-rows.ts'
import type { Query } from '../state/query.ts'
import type { RowWriter } from '../state/row-writer.ts'
import { rowsAs } from '../state/rows.ts'
import type { Row } from '../storage/table.ts'
import { isPast, QuotaWindow, type QuotaTimes } from './quota-window.ts'

/** The operations that change the state and that a quota can be on. */
const changes = [
  'createKey',
  'updateKey',
  'rotateKey',
  'disableKey',
  'enableKey',
  'revokeKey',
  'trimKey',
  'scheduleKeyDeletion',
  'cancelKeyDeletion',
  'importKeyMaterial',
  'createAlias',
  'updateAlias',
  'deleteAlias',
  'createDataKey',
  'rotateDataKey',
  'createGrant',
  'revokeGrant',
] as const

/** The operations that use keys and that a quota can be on. */
const uses = [
  'encrypt',
  'decrypt',
  'reEncryptFrom',
  'reEncryptTo',
  'generateDataKey',
  'generateDataKeyWithoutPlaintext',
  'generateDataKeyPair',
  'generateDataKeyPairWithoutPlaintext',
  'decryptDataKey',
  'getDataKey',
  'deterministicEncrypt',
  'deterministicDecrypt',
  'sign',
  'verify',
  'generateMac',
  'verifyMac',
  'blindIndex',
  'deriveSharedSecret',
  'encapsulate',
  'decapsulate',
  'exportKey',
  'generateRandom',
] as const

/** What quotas can be on. */
export const quotaOperations = [...changes, ...uses] as const

/** An operation that a quota can be on. */
export type QuotaOperation = (typeof quotaOperations)[number]

const countedChanges: ReadonlySet<string> = new Set(changes)

/** The uses that are counted where there is a quota on them. */
export const countedUses: ReadonlySet<string> = new Set(uses)

/** The quotas on an operation. */
export function quotasOn(operation: string): Query<readonly QuotaRow[]> {
  return { table: 'quotas', key: [operation], decode: decodeQuotas, many: limits.quotasPerOperation }
}

function quotaUse(
  { operation, name }: Pick<QuotaRow, 'operation' | 'name'>,
  subject: string,
): Query<QuotaUseRow | undefined> {
  return { table: 'quota_uses', key: [operation, name, subject], decode: (rows) => rowsAs<QuotaUseRow>(rows)[0] }
}

/** Who does something, and for whom. */
export interface Charged {
  readonly operation: string
  readonly principal: string
  /** The owner of the key that it is done to. */
  readonly owner: string | undefined
  readonly now: number
}

/**
 * Counts an operation that was done, in the change that does it, towards every quota on it. What is refused or undone
 * counts nothing. A crash leaves both, or neither.
 *
 * @throws QuotaExceededError when it was done as often as it may be: then it is undone
 */
export async function charge(change: ChangeSet, by: Charged): Promise<void> {
  if (!countedChanges.has(by.operation)) return
  for (const quota of await change.read(quotasOn(by.operation))) {
    const subject = subjectOf(quota, by)
    if (subject === undefined) continue
    const count = await openCount(change, { quota, subject, times: { now: by.now, latest: change.latest } })
    if (!count.window.hasRoom(1)) throw exceeded(count, 1)
    count.window.add(1)
    await writeCount(change, count)
  }
}

/** Of whom it counts; `undefined` where there is nobody, such as a key without an owner. */
export function subjectOf({ per }: QuotaRow, { principal, owner }: Omit<Charged, 'now'>): string | undefined {
  if (per === 'tenant') return '*'
  return per === 'principal' ? principal : owner
}

/** How often somebody has done what a quota is on. */
export interface QuotaCount {
  readonly quota: QuotaRow
  readonly subject: string
  readonly row: QuotaUseRow | undefined
  readonly window: QuotaWindow
}

/** Reads how often somebody has done something. @throws StorageTamperedError */
export async function openCount(
  writer: RowWriter,
  of: { readonly quota: QuotaRow; readonly subject: string; readonly times: QuotaTimes },
): Promise<QuotaCount> {
  const { quota, subject, times } = of
  const row = await writer.read(quotaUse(quota, subject))
  return { quota, subject, row, window: new QuotaWindow(quota, row?.times ?? '[]', times) }
}

/** Writes it down. */
export async function writeCount(writer: RowWriter, { quota, subject, row, window }: QuotaCount): Promise<void> {
  const times = window.toText()
  if (row !== undefined) {
    await writer.update('quota_uses', row, { times })
    return
  }
  const taken = (): StorageTamperedError => new StorageTamperedError('uses of a quota that were not there are there')
  const { operation, name } = quota
  await writer.insert('quota_uses', { operation, name, subject, times }, taken)
}

/** The longest window that a quota has, in seconds: a year. */
export const longestWindowSeconds = 31_622_400

/** Whether a row counts nothing any more: in the window of its quota, or in any, where it has none. */
export function countsNothing(row: QuotaUseRow, quotas: readonly QuotaRow[], now: number): boolean {
  const quota = quotas.find(({ operation, name }) => operation === row.operation && name === row.name)
  return isPast(row.times, (quota?.windowSeconds ?? longestWindowSeconds) * 1000, now)
}

/** Removes rows that count nothing any more, and says how many. Like counting itself, it moves no revision. */
export async function forgetUses(change: ChangeSet, uses: readonly QuotaUse[], now: number): Promise<number> {
  let forgotten = 0
  for (const { operation, name, subject } of uses) {
    const row = await change.read(quotaUse({ operation, name }, subject))
    if (row === undefined || !countsNothing(row, await change.read(quotasOn(operation)), now)) continue
    await change.removeBeside('quota_uses', row)
    forgotten += 1
  }
  return forgotten
}

/** Which row of uses. */
export type QuotaUse = Pick<QuotaUseRow, 'operation' | 'name' | 'subject'>

/** The error of whoever would do it more often than it may be done. */
export function exceeded({ quota, window }: QuotaCount, count: number): QuotaExceededError {
  const message = `the quota ${quota.name} on ${quota.operation} is used up`
  return new QuotaExceededError(message, window.roomAt(count))
}

/** What an admin says of a quota. */
export interface QuotaSetting {
  readonly row: Pick<QuotaRow, 'operation' | 'name' | 'per' | 'most' | 'windowSeconds'>
  readonly actor: string
  readonly now: number
}

/** Makes a quota, or changes it. What was counted counts on. @throws LimitExceededError */
export async function putQuota(change: ChangeSet, { row, actor, now }: QuotaSetting): Promise<QuotaRow> {
  const known = await change.read(quotasOn(row.operation))
  const before = known.find(({ name }) => name === row.name)
  const changed = { ...row, changedAt: now, changedBy: actor }
  if (before !== undefined) return change.update('quotas', before, changed)
  if (known.length >= limits.quotasPerOperation) {
    throw new LimitExceededError(`an operation has at most ${limits.quotasPerOperation} quotas`)
  }
  const made = { ...changed, createdAt: now, createdBy: actor }
  await change.insert('quotas', made, () => new StorageTamperedError('a quota that was not there is there'))
  return { tenant: '', ...made, rev: 1 }
}

/** Takes a quota away; `undefined` where there is none. */
export async function removeQuota(change: ChangeSet, operation: string, name: string): Promise<QuotaRow | undefined> {
  const found = (await change.read(quotasOn(operation))).find((quota) => quota.name === name)
  if (found !== undefined) await change.remove('quotas', found)
  return found
}

/** Rows of quotas. @throws StorageTamperedError */
export function decodeQuotas(rows: readonly Row[]): readonly QuotaRow[] {
  for (const { per, most, windowSeconds } of rows) {
    const isKnown = quotaScopeNames.some((scope) => scope === per)
    if (isKnown && (most as number) >= 0 && (windowSeconds as number) > 0) continue
    throw new StorageTamperedError('a stored quota is none that was ever written')
  }
  return rowsAs<QuotaRow>(rows)
}
