import { LimitExceededError, StorageTamperedError } from '../errors.ts'
import { QuotaExceededError } from '../internal/quota-exceeded.ts'
import { jcs } from '../internal/jcs.ts'
import { limits } from '../internal/defaults.ts'
import type { ChangeSet } from '../state/change-set.ts'
import { quotaScopeNames, type QuotaRow, type QuotaUseRow } from '../state/lifecycle-rows.ts'
import type { Query } from '../state/query.ts'
import { rowsAs } from '../state/rows.ts'
import type { Row } from '../storage/table.ts'

/** What quotas can be on: operations that change the state. */
export const quotaOperations = [
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

/** An operation that a quota can be on. */
export type QuotaOperation = (typeof quotaOperations)[number]

const limited: ReadonlySet<string> = new Set(quotaOperations)

/** The quotas on an operation. */
export function quotasOn(operation: string): Query<readonly QuotaRow[]> {
  return { table: 'quotas', key: [operation], decode: decodeQuotas, many: limits.quotasPerOperation }
}

function quotaUse({ operation, name }: QuotaRow, subject: string): Query<QuotaUseRow | undefined> {
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
  if (!limited.has(by.operation)) return
  for (const quota of await change.read(quotasOn(by.operation))) {
    const subject = subjectOf(quota, by)
    if (subject !== undefined) await chargeTo(change, quota, { subject, now: by.now })
  }
}

/** Of whom it counts; `undefined` where there is nobody, such as a key without an owner. */
function subjectOf({ per }: QuotaRow, { principal, owner }: Charged): string | undefined {
  if (per === 'tenant') return '*'
  return per === 'principal' ? principal : owner
}

async function chargeTo(change: ChangeSet, quota: QuotaRow, { subject, now }: Use): Promise<void> {
  const row = await change.read(quotaUse(quota, subject))
  const windowMs = quota.windowSeconds * 1000
  // A clock that was set back frees nothing: what lies in the future counts.
  const counted = timesOf(row).filter((time) => time > now - windowMs)
  if (counted.length >= quota.most) {
    // Where nothing is allowed at all, there is no next time.
    const next = counted.toSorted((a, b) => a - b)[counted.length - quota.most]
    const retryAt = next === undefined ? undefined : new Date(next + windowMs)
    throw new QuotaExceededError(`the quota ${quota.name} on ${quota.operation} is used up`, retryAt)
  }
  const times = jcs([...counted, now])
  if (row !== undefined) {
    await change.update('quota_uses', row, { times })
    return
  }
  const taken = (): StorageTamperedError => new StorageTamperedError('uses of a quota that were not there are there')
  const { operation, name } = quota
  await change.insert('quota_uses', { operation, name, subject, times }, taken)
}

interface Use {
  readonly subject: string
  readonly now: number
}

function timesOf(row: QuotaUseRow | undefined): readonly number[] {
  if (row === undefined) return []
  const times = JSON.parse(row.times) as unknown
  if (Array.isArray(times) && times.every(Number.isSafeInteger)) return times as number[]
  throw new StorageTamperedError('a stored row holds something in times that was never written there')
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
