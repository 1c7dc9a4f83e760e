import { authorize, requireActive } from './access/authorize.ts'
import { ownOnly } from './internal/own.ts'
import { findKey, lookUp } from './keys/keyring.ts'
import { resolveKey } from './keys/queries.ts'
import type { Target } from './runtime.ts'
import type { Actor, UsableKey } from './stages.ts'
import type { KeyRow } from './state/rows.ts'
import type { StateView } from './state/view.ts'

/** Something that an operation claims: to be let in at all, to do an action, to know a key, or to use one. */
export type Claim =
  | { readonly kind: 'presence'; readonly action: string; readonly keyId?: undefined }
  | { readonly kind: 'action'; readonly action: string; readonly keyId?: string | undefined }
  | { readonly kind: 'key'; readonly action: string; readonly key: string }
  | ({ readonly kind: 'use' } & Target)

/** A claim that was granted. */
export interface Decision {
  readonly key: KeyRow | undefined
  readonly usable: UsableKey | undefined
  readonly validUntil: number
}

/**
 * Decides a claim in a state at a time: resolve, authorize, look up. Called when the operation runs, again if the state
 * has moved by the time it is recorded, and for changes inside their transaction.
 *
 * @throws AccessDeniedError, KeyNotFoundError, InvalidKeyUsageError, InvalidKeyStateError
 */
export async function decide(view: StateView, actor: Actor, asked: { claim: Claim; now: number }): Promise<Decision> {
  const { claim, now } = asked
  if (claim.kind === 'presence') {
    await requireActive(view, actor)
    return { key: undefined, usable: undefined, validUntil: Infinity }
  }
  const keyId = claim.kind === 'action' ? claim.keyId : await resolveKey(view, claim.key)
  const context = claim.kind === 'use' ? claim.context : undefined
  const authorized = await authorize(view, actor, { intent: { action: claim.action, keyId, context }, now })
  if (claim.kind === 'action') return { key: undefined, usable: undefined, validUntil: authorized.validUntil }
  if (claim.kind === 'key') {
    return { key: await findKey(view, authorized, now), usable: undefined, validUntil: authorized.validUntil }
  }
  const usable = await lookUp(view, authorized, ownOnly({ ...claim, now }))
  return { key: usable.key, usable, validUntil: usable.validUntil }
}
