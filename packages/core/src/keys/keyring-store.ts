import type { SigningKey } from '../crypto/ed25519.ts'
import { ConflictError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { ChangeSet } from '../state/change-set.ts'
import type { KeyringEpochRow, KeyringRow, KeyringWrapRow } from '../state/keyring-rows.ts'
import { rowsAs } from '../state/rows.ts'
import type { Query } from '../state/query.ts'
import type { StateView } from '../state/view.ts'
import { signatureBytes, signedFurther, type EpochStatement } from './epoch-statement.ts'
import type { SecretPurpose } from './house-secret.ts'

/** Most epochs, and most wrappings, that a tenant has at a time: a few, unless nobody finishes anything. */
const most = 1000

const all = <R>(table: string): Query<readonly R[]> => ({
  table,
  key: [],
  many: most,
  decode: (rows) => rowsAs<R>(rows),
})

/** Everything that is stored of the keyring of a tenant. */
export interface KeyringState {
  readonly keyring: readonly KeyringRow[]
  readonly wraps: readonly KeyringWrapRow[]
  readonly epochs: readonly KeyringEpochRow[]
}

/** Reads it. */
export async function readKeyringState(view: StateView): Promise<KeyringState> {
  return {
    keyring: await view.read(all<KeyringRow>('keyring')),
    wraps: await view.read(all<KeyringWrapRow>('keyring_wraps')),
    epochs: await view.read(all<KeyringEpochRow>('keyring_epochs')),
  }
}

/** A keyring key, wrapped by a root key. */
export interface Wrap {
  readonly epoch: number
  readonly provider: string
  readonly wrapped: Uint8Array
}

/** Puts another wrapping beside the one in use. What is there already stays. @throws ConflictError */
export async function stageWraps(set: ChangeSet, wraps: readonly Wrap[], now: number): Promise<void> {
  const state = await readKeyringState(set)
  for (const wrap of wraps) {
    const row = state.keyring.find(({ epoch }) => epoch === wrap.epoch)
    if (row === undefined) throw changed()
    const isThere = [row, ...state.wraps].some((has) => has.epoch === wrap.epoch && has.provider === wrap.provider)
    if (!isThere) await set.insert('keyring_wraps', { ...wrap, createdAt: now }, changed)
  }
}

/**
 * Exchanges, in every epoch, the wrapping in use for that of this root key, which has to be there. The one that was in use
 * stays beside it. @throws ConflictError
 */
export async function promoteWraps(set: ChangeSet, to: Promotion): Promise<void> {
  const state = await readKeyringState(set)
  for (const statement of to.statements) await requireAllSigned(set, statement)
  for (const row of state.keyring) {
    const statement = to.statements.find(({ epoch }) => epoch === row.epoch)
    const isSaid = state.epochs.some(({ epoch }) => epoch === row.epoch)
    if (statement !== undefined && !isSaid)
      await set.insert('keyring_epochs', { ...statement, createdAt: to.now }, changed)
    if (row.provider === to.provider) continue
    const wrap = state.wraps.find(({ epoch, provider }) => epoch === row.epoch && provider === to.provider)
    if (wrap === undefined) throw changed()
    await set.remove('keyring_wraps', wrap)
    const { epoch, provider, wrapped } = row
    await set.insert('keyring_wraps', { epoch, provider, wrapped, createdAt: to.now }, changed)
    await set.update('keyring', row, { provider: to.provider, wrapped: wrap.wrapped })
  }
}

/** What is promoted, with what is said of epochs of which nothing was said yet. */
export interface Promotion {
  readonly provider: string
  readonly statements: readonly EpochStatement[]
  readonly now: number
}

/** Removes the wrappings by every other root key. Each epoch has to be wrapped by this one. @throws ConflictError */
export async function retireWraps(set: ChangeSet, provider: string): Promise<number> {
  const state = await readKeyringState(set)
  if (state.keyring.some((row) => row.provider !== provider)) throw changed()
  for (const wrap of state.wraps) await set.remove('keyring_wraps', wrap)
  return state.wraps.length
}

/** The log may have been given another key since it was signed. @throws ConflictError */
async function requireAllSigned(set: ChangeSet, { signature }: EpochStatement): Promise<void> {
  const keys = await set.read(logKeyCount)
  if (signature.byteLength !== keys * signatureBytes) throw changed()
}

/** How many keys the audit log has had. */
export const logKeyCount: Query<number> = {
  table: 'secrets',
  key: ['audit-signing' satisfies SecretPurpose],
  decode: (rows) => rows.length,
  many: limits.items,
}

/** Signs of every epoch which it is with the log's new key too, so that the newest is what counts. */
export async function signEpochs(set: ChangeSet, by: SigningKey): Promise<void> {
  for (const row of (await readKeyringState(set)).epochs) {
    await set.update('keyring_epochs', row, { signature: signedFurther(row, by) })
  }
}

/**
 * Begins an epoch. Nothing is wrapped under it before it is durable. Whoever opens the newest one opens it, and nobody else
 * but the first: a root key that was retired meanwhile does not, and one that was staged does. @throws ConflictError
 */
export async function beginEpoch(set: ChangeSet, next: EpochBeginning): Promise<void> {
  const { keyring, wraps } = await readKeyringState(set)
  const { statement, now } = next
  const { epoch } = statement
  if (keyring.at(-1)?.epoch !== epoch - 1) throw changed()
  const openers = [...keyring, ...wraps].filter((row) => row.epoch === epoch - 1).map(({ provider }) => provider)
  const given = next.wraps.map(({ provider }) => provider)
  const areSame = openers.every((one) => given.includes(one)) && given.slice(1).every((one) => openers.includes(one))
  if (!areSame) throw changed()
  await requireAllSigned(set, statement)
  const [first, ...others] = next.wraps
  if (first === undefined) throw changed()
  await set.insert('keyring', { ...first, createdAt: now }, changed)
  for (const wrap of others) await set.insert('keyring_wraps', { ...wrap, createdAt: now }, changed)
  await set.insert('keyring_epochs', { ...statement, createdAt: now }, changed)
}

/** A new epoch: its key as each root key wrapped it, the one in use first. */
export interface EpochBeginning {
  readonly statement: EpochStatement
  readonly wraps: readonly Wrap[]
  readonly now: number
}

/** Removes epochs under which nothing is left. The newest stays whatever is asked. @throws ConflictError */
export async function retireEpochs(set: ChangeSet, epochs: readonly number[]): Promise<void> {
  const state = await readKeyringState(set)
  const newest = state.keyring.at(-1)?.epoch
  const isRetired = ({ epoch }: { readonly epoch: number }): boolean => epochs.includes(epoch) && epoch !== newest
  for (const row of state.wraps.filter(isRetired)) await set.remove('keyring_wraps', row)
  for (const row of state.epochs.filter(isRetired)) await set.remove('keyring_epochs', row)
  for (const row of state.keyring.filter(isRetired)) await set.remove('keyring', row)
}

function changed(): ConflictError {
  return new ConflictError('the keyring was changed by somebody else at the same time')
}
