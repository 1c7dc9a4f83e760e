import { KeyNotFoundError } from '../errors.ts'
import { withReason } from '../internal/reason.ts'
import type { Authorized } from '../stages.ts'
import type { KeyRow, VersionRow } from '../state/rows.ts'
import type { StateView } from '../state/view.ts'
import { keyById, versionOf } from './queries.ts'
import { keyAt } from './state.ts'

/** The key that an authorized intent names, in whatever state it is by now. @throws KeyNotFoundError */
export async function findKey(view: StateView, authorized: Authorized, now: number): Promise<KeyRow> {
  const { keyId } = authorized.intent
  const key = keyId === undefined ? undefined : await view.read(keyById(keyId))
  if (key === undefined) throw notFound('no such key')
  return keyAt(key, now)
}

/** A version of a key. @throws KeyNotFoundError */
export async function findVersion(view: StateView, key: KeyRow, version: number): Promise<VersionRow> {
  const row = await view.read(versionOf(key.id, version))
  if (row === undefined) throw notFound('no such version')
  return row
}

/** The error for a key or version that is not there. */
export function notFound(reason: string): KeyNotFoundError {
  return withReason(new KeyNotFoundError('no key, or no version of it, is called so'), reason)
}
