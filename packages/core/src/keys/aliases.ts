import { InvalidKeyUsageError, LimitExceededError, NameTakenError, StorageTamperedError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { ChangeSet } from '../state/change-set.ts'
import type { AliasRow } from '../state/lifecycle-rows.ts'
import type { Query } from '../state/query.ts'
import { rowsAs, type KeyRow, type NameRow } from '../state/rows.ts'
import { notFound } from './find.ts'
import { keyName } from './queries.ts'
import { requireState } from './state.ts'
import type { Mark } from './store.ts'

/** What is known of an alias besides what it names. */
/** An alias. */
export function aliasOf(alias: string): Query<AliasRow | undefined> {
  return { table: 'aliases', key: [alias], decode: (rows) => rowsAs<AliasRow>(rows)[0] }
}

/** Gives a key a further name. @throws NameTakenError, InvalidKeyStateError, LimitExceededError */
export async function addAlias(change: ChangeSet, key: KeyRow, { alias, mark }: NewAlias): Promise<AliasRow> {
  requireState(key, 'manage')
  await requireRoom(change, key)
  const taken = (): NameTakenError => new NameTakenError('a key or another alias has this name')
  await change.insert('names', { space: 'key', name: alias, target: key.id, kind: 'alias' }, taken)
  const made = { createdAt: mark.now, createdBy: mark.actor, retargetedAt: null, retargetedBy: null }
  const row = { alias, keyId: key.id, ...made }
  await change.insert('aliases', row, () => new StorageTamperedError('an alias that was not there is there'))
  return { tenant: key.tenant, ...row, rev: 1 }
}

/** A further name of a key, and who gives it. */
export interface NewAlias {
  readonly alias: string
  readonly mark: Mark
}

/**
 * Lets an alias name another key from now on: of the same usage, since callers of the alias rely on that.
 *
 * @throws KeyNotFoundError, InvalidKeyStateError, InvalidKeyUsageError, LimitExceededError
 */
export async function retargetAlias(change: ChangeSet, from: KeyRow, to: Retarget): Promise<AliasRow> {
  const { name, row } = await findAlias(change, to.alias)
  requireState(to.key, 'manage')
  if (from.usage !== to.key.usage) throw new InvalidKeyUsageError(`the alias names a key for ${from.usage}`)
  if (from.id !== to.key.id) await requireRoom(change, to.key)
  await change.update('names', name, { target: to.key.id })
  const { now, actor } = to.mark
  return change.update('aliases', row, { keyId: to.key.id, retargetedAt: now, retargetedBy: actor })
}

/** Which alias is to name which key. */
export interface Retarget extends NewAlias {
  readonly key: KeyRow
}

/** Takes a further name away. @throws KeyNotFoundError */
export async function removeAlias(change: ChangeSet, alias: string): Promise<AliasRow> {
  const { name, row } = await findAlias(change, alias)
  await change.remove('names', name)
  await change.remove('aliases', row)
  return row
}

/** An alias as both tables have it; a key's own name is none. @throws KeyNotFoundError, StorageTamperedError */
async function findAlias(change: ChangeSet, alias: string): Promise<{ name: NameRow; row: AliasRow }> {
  const name = await change.read(keyName(alias))
  if (name?.kind !== 'alias') throw notFound('no such alias')
  const row = await change.read(aliasOf(alias))
  if (row?.keyId === name.target) return { name, row }
  throw new StorageTamperedError('an alias and the name that resolves it disagree')
}

async function requireRoom(change: ChangeSet, key: KeyRow): Promise<void> {
  const rows = await change.range('aliases', 'by_alias_key', [key.id])
  if (rows.length < limits.aliasesPerKey) return
  throw new LimitExceededError(`a key has at most ${limits.aliasesPerKey} aliases`)
}
