import type { FreshMaterial, MaterialSource } from './crypto/fresh-material.ts'
import { givenPkcs8 } from './crypto/given-material.ts'
import type { Randomness } from './crypto/randomness.ts'
import { invalidCiphertext } from './envelope/open.ts'
import { copyBytes, wipe } from './internal/bytes.ts'
import { ownOnly } from './internal/own.ts'
import { keySpecs } from './keys/spec.ts'
import type { MaterialPlan, WrappedMaterialPlan } from './runtime.ts'
import { attempt, raise, type Done } from './attempt.ts'
import { NotReady } from './not-ready.ts'

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
    this.#plan = ownOnly(plan)
    this.#made = await attempt(async () => make(ownOnly(plan), this.#random))
  }

  /**
   * A copy of what was prepared, since a transaction may be tried again; what is made quickly is made now.
   *
   * @throws NotReady
   */
  async take(asked: MaterialPlan): Promise<FreshMaterial> {
    const plan = ownOnly(asked)
    if (!isSlow(plan)) return make(plan, this.#random)
    if (this.#made === undefined || !isSame(this.#plan, plan))
      throw new NotReady(async () => this.prepare(plan), { asksStorage: false })
    if (this.#made.result === undefined) return raise(this.#made.error)
    return { ...this.#made.result, bytes: copyBytes(this.#made.result.bytes) }
  }

  /** Wipes what was made. */
  discard(): void {
    if (this.#made?.result !== undefined) wipe(this.#made.result.bytes)
    this.#made = undefined
  }
}

function isSlow({ spec, wrapped }: MaterialPlan): boolean {
  return wrapped !== undefined || keySpecs[spec].material.isSlow === true
}

/** What is unwrapped is the same if the same was brought: the key to it follows from that request. */
function isSame(plan: MaterialPlan | undefined, other: MaterialPlan): boolean {
  return plan?.spec === other.spec && plan.given === other.given && plan.wrapped?.bytes === other.wrapped?.bytes
}

async function make({ spec, given, wrapped }: MaterialPlan, random: Randomness): Promise<FreshMaterial> {
  const { material } = keySpecs[spec]
  if (wrapped !== undefined) return unwrapped(material, wrapped)
  return given === undefined ? material.generate(random) : material.adopt(given)
}

/** Material that came wrapped: secret bytes as they are, a private key in PKCS#8. */
async function unwrapped(
  source: MaterialSource,
  { algorithm, bytes, key }: WrappedMaterialPlan,
): Promise<FreshMaterial> {
  const opened = await algorithm.unwrap(key, bytes)
  if (opened === undefined) throw invalidCiphertext('the key material does not unwrap')
  try {
    return await source.adopt(source.isSecretBytes === true ? { kind: 'symmetric', bytes: opened } : givenPkcs8(opened))
  } finally {
    wipe(opened)
  }
}
