import type { Claim } from './decide.ts'
import type { DecidedClaim } from './drafts.ts'
import { largestMessage } from './keys/message-size.ts'
import type { Target } from './runtime.ts'
import type { EncodedContext, Material, PairMaterial } from './stages.ts'

/** A claim to use a key that was granted, and what it gives. */
interface Granted {
  readonly claim: DecidedClaim
  readonly material: Material | PairMaterial
}

/** What was granted to items of a many-verb: the next one that claims the same gets the same answer. */
export class GrantedBefore {
  readonly #byName = new Map<string, Granted>()
  #last: { readonly name: string; readonly target: Target } | undefined

  /** What a claim is granted as one of the same name was; `undefined` where it has to be decided. */
  find(claim: UseClaim): Granted | undefined {
    const granted = this.#byName.get(this.#nameOf(claim))
    const again = granted === undefined ? undefined : grantedAgain(granted, claim)
    return granted === undefined || again === undefined ? undefined : { claim: again, material: granted.material }
  }

  remember(target: Target, granted: Granted): void {
    const name = this.#nameOf(target)
    this.#byName.set(name, granted)
    this.#last = { name, target }
  }

  #nameOf(target: Target): string {
    const last = this.#last
    return last !== undefined && isNamedAlike(last.target, target) ? last.name : nameOfTarget(target)
  }
}

/**
 * Two targets of one name are the same claim: everything that a decision depends on is in it, one part per line, the
 * encryption context and the size of the message apart.
 */
export function nameOfTarget(target: Target): string {
  const { action, key, usage, need, version, opens, allowRevoked, isDeterministic, exports, finishes } = target
  const by =
    opens?.by === undefined ? opens?.isKeyNamed : `${opens.by.keyId}:${opens.by.keyVersion}:${opens.isKeyNamed}`
  return `${action}\n${key}\n${usage}\n${need}\n${version}\n${allowRevoked}\n${isDeterministic}\n${exports}\n${finishes}\n${by}`
}

/** Whether two targets have the same name, which need not be written for that. */
export function isNamedAlike(a: Target, b: Target): boolean {
  const isOfSameKey = a.key === b.key && a.action === b.action && a.usage === b.usage && a.version === b.version
  return isOfSameKey && isAskedAlike(a, b) && isOpenedAlike(a.opens, b.opens)
}

function isOpenedAlike(a: Target['opens'], b: Target['opens']): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.isKeyNamed === b.isKeyNamed && a.by?.keyId === b.by?.keyId && a.by?.keyVersion === b.by?.keyVersion
}

function isAskedAlike(a: Target, b: Target): boolean {
  const isAlike = a.need === b.need && a.allowRevoked === b.allowRevoked && a.isDeterministic === b.isDeterministic
  return isAlike && a.exports === b.exports && a.finishes === b.finishes
}

/**
 * A claim of the same name, as it was granted before: the same one where the context is, of which the largest message is
 * decided again; one of its own where the context made no difference. `undefined` where it has to be decided.
 */
function grantedAgain({ claim: granted }: Granted, claim: UseClaim): DecidedClaim | undefined {
  const before = granted.claim
  const own = grantedLike(granted, claim)
  if (own === undefined || before.kind !== 'use' || !isSame(before.context, claim.context)) return own
  Object.assign(before, { bytes: largerOf(before.bytes, claim.bytes) })
  return granted
}

/** A claim of its own, decided as one of the same name was; `undefined` where it has to be decided. */
export function grantedLike(granted: DecidedClaim, claim: UseClaim): DecidedClaim | undefined {
  const { claim: before, decision, outcome, keyId } = granted
  if (before.kind !== 'use' || decision?.key === undefined) return undefined
  if (claim.bytes !== undefined && claim.bytes > largestMessage(decision.key)) return undefined
  if (decision.withAnyContext !== true && !isSame(before.context, claim.context)) return undefined
  return { claim, decision, outcome, keyId }
}

/** A claim to use a key. */
export type UseClaim = Extract<Claim, { kind: 'use' | 'useAll' }>

function largerOf(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}

/** By their pairs: the bytes of one that was granted before may have been wiped with its request. */
function isSame(a: EncodedContext | undefined, b: EncodedContext | undefined): boolean {
  if (a === undefined || b === undefined || a === b) return a === b
  if (a.pairs.length !== b.pairs.length) return false
  return a.pairs.every(([key, value], at) => key === b.pairs[at]?.[0] && value === b.pairs[at][1])
}
