import type { FreshMaterial } from './crypto/fresh-material.ts'
import type { Randomness } from './crypto/randomness.ts'
import { copyBytes, wipe } from './internal/bytes.ts'
import { keySpecs } from './keys/spec.ts'
import type { MaterialPlan } from './runtime.ts'
import { attempt, raise, type Done } from './attempt.ts'

/** Thrown by a change that needs material which takes long to make: it is made without the lock, and the change done again. */
export class NotReady extends Error {
  readonly plan: MaterialPlan

  constructor(plan: MaterialPlan) {
    super('the key material is not ready')
    this.plan = plan
  }
}

/** Key material for one change: made before its transaction where that takes long, in it otherwise. */
export class MaterialStore {
  readonly #random: Randomness
  #plan: MaterialPlan | undefined
  #made: Done<FreshMaterial> | undefined

  constructor(random: Randomness) {
    this.#random = random
  }

  /** Makes what a change was not ready for. Why it cannot be made, it hears when it takes it, and is recorded with that. */
  async prepare(plan: MaterialPlan): Promise<void> {
    this.discard()
    this.#plan = plan
    this.#made = await attempt(async () => make(plan, this.#random))
  }

  /**
   * A copy of what was prepared, since a transaction may be tried again; what is made quickly is made now.
   *
   * @throws NotReady
   */
  async take(plan: MaterialPlan): Promise<FreshMaterial> {
    if (!isSlow(plan)) return make(plan, this.#random)
    if (this.#made === undefined || this.#plan?.spec !== plan.spec || this.#plan.given !== plan.given) {
      throw new NotReady(plan)
    }
    if (this.#made.result === undefined) return raise(this.#made.error)
    return { ...this.#made.result, bytes: copyBytes(this.#made.result.bytes) }
  }

  /** Wipes what was made. */
  discard(): void {
    if (this.#made?.result !== undefined) wipe(this.#made.result.bytes)
    this.#made = undefined
  }
}

function isSlow({ spec }: MaterialPlan): boolean {
  return keySpecs[spec].material.isSlow === true
}

async function make({ spec, given }: MaterialPlan, random: Randomness): Promise<FreshMaterial> {
  const { material } = keySpecs[spec]
  return given === undefined ? material.generate(random) : material.adopt(given)
}
