import type { DecidedClaim } from './drafts.ts'
import { grantedLike, isNamedAlike, type UseClaim } from './granted.ts'
import type { Actor } from './stages.ts'

/** Who claims what, and when. */
export interface Claiming {
  readonly actor: Actor
  readonly claim: UseClaim
  readonly now: number
}

interface Remembered {
  readonly claiming: Claiming
  readonly granted: DecidedClaim
}

/** So many claims are remembered: all are forgotten with the next change of the state anyway. */
const maxClaims = 1000

/** So many of them of one principal and one key, among which the right one is looked for. */
const maxAlike = 16

/**
 * Claims to use keys that were granted in the state as it is. One that is like them is granted without being decided once
 * more; when it is recorded, it is judged like any other. Every change of the state, whatever it is, makes all forgotten.
 */
export class RecentGrants {
  readonly #revisionNow: () => number
  /** By the principal, and by the key as it was named. */
  readonly #granted = new Map<string, Map<string, Remembered[]>>()
  #count = 0
  #revision = -1

  /** @param revisionNow - the revision of the state that claims are decided in */
  constructor(revisionNow: () => number) {
    this.#revisionNow = revisionNow
  }

  /** The revision that a claim which begins to be decided now is decided in, unless it moves meanwhile. */
  get revision(): number {
    return this.#revisionNow()
  }

  /** The claim, as one like it was decided; `undefined` where none was, or not at this time. */
  find(claiming: Claiming): DecidedClaim | undefined {
    if (this.#revision !== this.revision) return undefined
    const { actor, claim, now } = claiming
    const known = this.#granted
      .get(actor.id)
      ?.get(claim.key)
      ?.find((other) => isLike(other.claiming, claiming))
    // From when it was decided on it is known to be true.
    if (known === undefined || now < known.claiming.now) return undefined
    return now < (known.granted.decision?.validUntil ?? 0) ? grantedLike(known.granted, claim) : undefined
  }

  /** Remembers a claim that was granted, if the state has stood still since `revision`. */
  remember(granted: DecidedClaim, claiming: Claiming, revision: number): void {
    if (revision !== this.revision) return
    if (this.#revision !== revision || this.#count >= maxClaims) this.#forget()
    this.#revision = revision
    this.#count += 1
    const { actor, claim } = claiming
    const byKey = this.#granted.get(actor.id) ?? new Map<string, Remembered[]>()
    this.#granted.set(actor.id, byKey)
    const others = byKey.get(claim.key)?.filter((other) => !isLike(other.claiming, claiming)) ?? []
    byKey.set(claim.key, [{ claiming, granted }, ...others].slice(0, maxAlike))
  }

  #forget(): void {
    this.#granted.clear()
    this.#count = 0
  }
}

function isLike(a: Claiming, b: Claiming): boolean {
  return a.actor.role === b.actor.role && isNamedAlike(a.claim, b.claim)
}
