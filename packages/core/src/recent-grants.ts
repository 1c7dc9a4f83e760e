import type { DecidedClaim } from './drafts.ts'
import { grantedLike, type UseClaim } from './granted.ts'
import type { Actor } from './stages.ts'

/** Who claims what, and when. */
export interface Claiming {
  readonly actor: Actor
  /** What `nameOfTarget` says of the claim. */
  readonly name: string
  readonly claim: UseClaim
  readonly now: number
}

interface Remembered {
  readonly claim: DecidedClaim
  /** From then on it is known to be true. */
  readonly from: number
}

/** So many claims are remembered: all are forgotten with the next change of the state anyway. */
const maxClaims = 1000

/**
 * Claims to use keys that were granted in the state as it is. One that is like them is granted without being decided once
 * more; when it is recorded, it is judged like any other. Every change of the state, whatever it is, makes all forgotten.
 */
export class RecentGrants {
  readonly #revisionNow: () => number
  readonly #granted = new Map<string, Remembered>()
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
  find({ actor, name, claim, now }: Claiming): DecidedClaim | undefined {
    if (this.#revision !== this.revision) return undefined
    const known = this.#granted.get(nameFor(actor, name))
    if (known === undefined || now < known.from || now >= (known.claim.decision?.validUntil ?? 0)) return undefined
    return grantedLike(known.claim, claim)
  }

  /** Remembers a claim that was granted, if the state has stood still since `revision`. */
  remember(granted: DecidedClaim, { actor, name, now }: Claiming, revision: number): void {
    if (revision !== this.revision) return
    if (this.#revision !== revision || this.#granted.size >= maxClaims) this.#granted.clear()
    this.#revision = revision
    this.#granted.set(nameFor(actor, name), { claim: granted, from: now })
  }
}

function nameFor({ id, role }: Actor, name: string): string {
  return `${role}\n${id}\n${name}`
}
