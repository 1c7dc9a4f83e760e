import { principalById } from '../../access/grant.ts'
import { quotasOn } from '../../access/quota.ts'
import { findGrant } from '../../access/store.ts'
import { ConflictError, InvalidRequestError } from '../../errors.ts'
import { canonical } from '../../internal/canonical.ts'
import { limits } from '../../internal/defaults.ts'
import { aliasOf } from '../../keys/aliases.ts'
import { dataKeyById } from '../../keys/data-keys.ts'
import { keyDefaults } from '../../keys/defaults.ts'
import { mayTrim } from '../../keys/trim.ts'
import type { ChangeOperation, ChangeWalk, Operation } from '../../runtime.ts'
import type { Touched } from '../../state/cache.ts'
import { keepRepeat, repeatOf, type RepeatRow } from '../../state/repeats.ts'
import { describeAliasRow } from './aliases.ts'
import { describeGrant } from './grants.ts'
import { describeKeyRow } from './keys.ts'
import { markOf } from './key-state.ts'
import { describePolicy } from './policies.ts'
import { describeQuotaRow } from './quotas.ts'
import { describeDataKeyRow } from './named-data-keys.ts'

/** How the answer of a change is made again of what its subject is by now. @throws AccessDeniedError */
type Again = (change: ChangeWalk, id: string, action: string) => Promise<unknown>

/** For each table that answers are about: how to make them again, for whoever may still do what made them. */
const again: Readonly<Record<string, Again>> = {
  keys: async (change, id, action) => {
    if (action === 'createKey') await change.authorize(action)
    return describeKeyRow(await change.key(action === 'createKey' ? 'describeKey' : action, id))
  },
  grants: async (change, id, action) => {
    const grant = await findGrant(change.set, id)
    await change.authorize(action, grant?.row.keyId)
    // A grant that was made may be gone since: one that was taken back is.
    if (grant === undefined && action !== 'revokeGrant') change.absent({ table: 'grants', id })
    return grant === undefined ? undefined : describeGrant(grant)
  },
  aliases: async (change, id) => {
    const row = await change.set.read(aliasOf(id))
    if (row !== undefined) await change.key('updateKey', row.keyId)
    else await change.authorize('updateKey')
    return row === undefined ? undefined : describeAliasRow(row)
  },
  data_keys: async (change, id, action) => {
    const row = await change.set.read(dataKeyById(id))
    await change.authorize(action, row?.keyId)
    return row === undefined ? undefined : describeDataKeyRow(row)
  },
  versions: async (change, id, action) => {
    const key = await change.key(action, id)
    return { destroyed: [], more: await mayTrim(change.set, { key, mark: markOf(change, {}) }) }
  },
  key_defaults: async (change, _, action) => {
    await change.authorize(action)
    return describePolicy((await change.set.read(keyDefaults())) ?? { policy: '{}' })
  },
  quotas: async (change, id, action) => {
    await change.authorize(action)
    const [operation = '', name] = id.split(' ')
    const row = (await change.set.read(quotasOn(operation))).find((quota) => quota.name === name)
    return row === undefined ? undefined : describeQuotaRow(row)
  },
  principals: async (change, id, action) => {
    await change.authorize(action)
    const row = await change.set.read(principalById(id))
    return row === undefined ? undefined : { id: row.id, active: row.active === 1 }
  },
}

/**
 * Which table the answer of an action is about. Two changes are missing: each record of a new key for the log says which
 * key it is, by which logs are verified, so none may repeat another; and parameters of an import are made once.
 */
const subjects: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['createKey', 'updateKey', 'rotateKey', 'disableKey', 'enableKey', 'revokeKey', 'scheduleKeyDeletion'].map(
      (action) => [action, 'keys'],
    ),
  ),
  cancelKeyDeletion: 'keys',
  importKeyMaterial: 'keys',
  deleteImportedKeyMaterial: 'keys',
  trimKey: 'versions',
  updateKeyDefaults: 'key_defaults',
  setQuota: 'quotas',
  removeQuota: 'quotas',
  createGrant: 'grants',
  revokeGrant: 'grants',
  createAlias: 'aliases',
  updateAlias: 'aliases',
  deleteAlias: 'aliases',
  createDataKey: 'data_keys',
  rotateDataKey: 'data_keys',
  activatePrincipal: 'principals',
  deactivatePrincipal: 'principals',
}

/** For how long a name is remembered. */
const rememberedMs = limits.repeatsRememberedMs

/**
 * A change that is done once under a name, however often it is asked for: decided in the transaction that does it. What
 * is kept is who asked for what under which name, and where the record stands; the answer is made of the state again.
 *
 * @throws InvalidRequestError for a change whose answer cannot be made again
 */
export function once<Q, P, R>(
  operation: ChangeOperation<Q, P, R>,
  name: string,
  request: unknown,
): ChangeOperation<Q, P, R> {
  const { action } = operation
  const table = Object.hasOwn(subjects, action) ? (subjects[action] as string) : undefined
  if (table === undefined) throw new InvalidRequestError('this change takes no idempotencyKey')
  const asked = `${action}\0${canonical(request)}`
  const perform = async (parsed: P, change: ChangeWalk): Promise<R> => {
    const id = change.names.of('repeat', change.actor.id, '\0', name)
    const fingerprint = change.names.of('repeated-request', asked)
    const known = await change.set.read(repeatOf(id))
    if (known !== undefined && known.expiresAt > change.now) {
      if (known.request !== fingerprint) throw new ConflictError('this idempotencyKey was used for another request')
      return (await repeated(change, known, { table, action })) as R
    }
    const result = await operation.perform(parsed, change)
    // One that has changed nothing may be done as often as somebody likes.
    const touched = change.set.touched.findLast((row) => row.table === table)
    if (touched === undefined) return result
    const target = targetOf(touched)
    const times = { createdAt: change.now, expiresAt: change.now + rememberedMs }
    await keepRepeat(change.set, known, { id, request: fingerprint, target, seq: change.set.seq, ...times })
    return result
  }
  return { ...operation, perform }
}

/** Whether an operation takes an `idempotencyKey`: it is a change whose answer can be made again. */
export function isRepeatable({ effect, action }: Pick<Operation<never, never, unknown>, 'effect' | 'action'>): boolean {
  return effect === 'change' && Object.hasOwn(subjects, action)
}

/** What of a row's key says which it is. */
function targetOf({ table, key }: Touched): string {
  if (table === 'quotas') return key.join(' ')
  return String(table === 'grants' ? key.at(-1) : key[0])
}

async function repeated(
  change: ChangeWalk,
  known: RepeatRow,
  { table, action }: { readonly table: string; readonly action: string },
): Promise<unknown> {
  change.note({ repeats: known.seq })
  const answer = await again[table]?.(change, known.target, action)
  if (answer !== undefined) return answer
  throw new ConflictError(`this was done, by record ${known.seq}, and what it was about is gone since`)
}
