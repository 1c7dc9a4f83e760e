import { ConflictError, LimitExceededError, NameTakenError, StorageTamperedError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { ChangeSet } from '../state/change-set.ts'
import { decodeGrants } from '../state/decode.ts'
import type { GrantRow } from '../state/rows.ts'
import { decodeGrant, grantName, grantsOn, principalById, type Grant } from './grant.ts'

/** Adds a grant, and its name. @throws NameTakenError, LimitExceededError */
export async function addGrant(change: ChangeSet, grant: Omit<GrantRow, 'tenant' | 'rev'>): Promise<void> {
  const others = await change.read(grantsOn(grant.principal, grant.keyId))
  if (others.length >= limits.grantsPerKey) {
    throw new LimitExceededError(`a principal has at most ${limits.grantsPerKey} grants on one key`)
  }
  if (grant.name !== null) {
    const name = { space: 'grant', name: grant.name, target: grant.id, kind: 'name' }
    await change.insert('names', name, () => new NameTakenError('another grant has this name'))
  }
  await change.insert('grants', grant, () => new ConflictError('this grant exists already'))
}

/** The grant with this id. */
export async function findGrant(change: ChangeSet, id: string): Promise<Grant | undefined> {
  const [row] = decodeGrants(await change.range('grants', 'by_id', [id]))
  return row === undefined ? undefined : decodeGrant(row)
}

/**
 * The grant of this name. A name stands and goes with its grant, so one without has lost it to somebody: who takes a grant
 * back is not told that there is none, for it would be there again as soon as its row is.
 *
 * @throws StorageTamperedError
 */
export async function findGrantNamed(change: ChangeSet, name: string): Promise<Grant | undefined> {
  const holder = await change.read(grantName(name))
  const grant = holder === undefined ? undefined : await findGrant(change, holder.target)
  if (holder === undefined || grant !== undefined) return grant
  throw new StorageTamperedError(`the grant that has the name ${name} is missing`)
}

/** Removes a grant, and its name. */
export async function removeGrant(change: ChangeSet, grant: Grant): Promise<void> {
  const name = grant.row.name === null ? undefined : await change.read(grantName(grant.row.name))
  if (name !== undefined) await change.remove('names', name)
  await change.remove('grants', grant.row)
}

/** Says that a principal is active, or is not. */
export async function setPrincipal(change: ChangeSet, mark: PrincipalMark): Promise<void> {
  const { id, active, actor, now } = mark
  const state = { stateChangedAt: now, stateChangedBy: actor, stateReason: mark.reason ?? null }
  const known = await change.read(principalById(id))
  if (known !== undefined) {
    await change.update('principals', known, { active: active ? 1 : 0, ...state })
    return
  }
  const row = { id, active: active ? 1 : 0, createdAt: now, ...state }
  await change.insert('principals', row, () => new ConflictError('somebody else registered this principal'))
}

/** What is said of a principal. */
export interface PrincipalMark {
  readonly id: string
  readonly active: boolean
  readonly actor: string
  readonly now: number
  readonly reason: string | undefined
}
