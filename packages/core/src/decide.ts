import { authorize, requireActive } from './access/authorize.ts'
import { isKmsError } from './errors.ts'
import { findKey } from './keys/find.ts'
import { lookUp, lookUpAll } from './keys/keyring.ts'
import { resolveKey } from './keys/queries.ts'
import type { Target } from './runtime.ts'
import type { Actor, UsableKey } from './stages.ts'
import type { KeyRow } from './state/rows.ts'
import type { StateView } from './state/view.ts'

/** Something that an operation claims: to be let in at all, to do an action, to know a key, or to use one in one or in every version. */
export type Claim =
  | { readonly kind: 'presence'; readonly action: string; readonly keyId?: undefined }
  | { readonly kind: 'action'; readonly action: string; readonly keyId?: string | undefined }
  | { readonly kind: 'key'; readonly action: string; readonly key: string }
  | ({ readonly kind: 'use' | 'useAll' } & Target)

/** What a target may leave out, as own properties: nothing is read of a prototype, and objects stay of one shape. */
export const nothingAsked = Object.freeze({
  version: undefined,
  opens: undefined,
  context: undefined,
  allowRevoked: undefined,
  finishes: undefined,
  isDeterministic: undefined,
  exports: undefined,
  again: undefined,
  bytes: undefined,
  missing: undefined,
})

/** A claim that was granted. */
export interface Decision {
  readonly key: KeyRow | undefined
  readonly usable: UsableKey | undefined
  /** All that is usable, the newest first, where all of it was claimed. */
  readonly usables?: readonly UsableKey[] | undefined
  readonly validUntil: number
  /** Whether the same claim with another encryption context comes to the same. @defaultValue false */
  readonly withAnyContext?: boolean
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
  const context = claim.kind === 'use' || claim.kind === 'useAll' ? claim.context : undefined
  const authorized = await authorize(view, actor, { intent: { action: claim.action, keyId, context }, now })
  if (claim.kind === 'action') return { key: undefined, usable: undefined, validUntil: authorized.validUntil }
  if (claim.kind === 'key') {
    return { key: await findKey(view, authorized, now), usable: undefined, validUntil: authorized.validUntil }
  }
  if (claim.kind === 'useAll') {
    const usables = await lookUpAll(view, authorized, { ...claim, now })
    const [usable] = usables
    return { key: usable.key, usable, usables, validUntil: Math.min(...usables.map(({ validUntil }) => validUntil)) }
  }
  const usable = await lookUp(view, authorized, { ...claim, now })
  const { withAnyContext } = authorized
  return { key: usable.key, usable, validUntil: usable.validUntil, withAnyContext }
}

/**
 * What a decision comes to, which must be the same if it is decided again: the key, and the versions that it gives, or
 * the current one of a key that is only known.
 */
export function outcomeOf({ key, usable, usables }: Decision): string {
  const versions = usables?.map(({ version }) => version.version).join(',') ?? usable?.version.version
  return `${key?.id ?? ''}:${versions ?? key?.currentVersion ?? ''}`
}

/** What a claim comes to now: that of its decision, or the code of its refusal. */
export async function outcomeNow(view: StateView, actor: Actor, asked: { claim: Claim; now: number }): Promise<string> {
  try {
    return outcomeOf(await decide(view, actor, asked))
  } catch (error) {
    if (isKmsError(error)) return error.code
    throw error
  }
}
