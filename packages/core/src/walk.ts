import type { Charge, UseEntry } from './audit/entry.ts'
import type { Pseudonyms } from './audit/pseudonym.ts'
import type { RecordDetails, RecordDraft } from './audit/record.ts'
import { saltBytes } from './crypto/chunked-encryption.ts'
import { RandomBlock } from './crypto/random-block.ts'
import type { Tools } from './envelope/seal.ts'
import { isKmsError, type KmsError } from './errors.ts'
import { byteSize } from './internal/bytes.ts'
import { ownOnly } from './internal/own.ts'
import { resolveKey } from './keys/queries.ts'
import { decide, nothingAsked, outcomeNow, outcomeOf, type Claim, type Decision } from './decide.ts'
import { chargeOf } from './deeds.ts'
import { draftRecords, type Caller, type DecidedClaim, type Step } from './drafts.ts'
import { eachItem } from './each-item.ts'
import { Facts } from './facts.ts'
import { GrantedBefore, type UseClaim } from './granted.ts'
import type { NameIndex } from './keys/name-index.ts'
import type { House, Item, ManyItem, SnapshotOf, Target, Walk } from './runtime.ts'
import type { Actor, Material, PairMaterial } from './stages.ts'
import type { RevisedRow } from './state/row-writer.ts'
import type { Query } from './state/query.ts'
import type { StateView } from './state/view.ts'
import type { KeyRow } from './state/rows.ts'
import type { StorageReader } from './storage/adapter.ts'
import type { SnapshotView, WalkParts } from './walk-parts.ts'

/** For how many items random bytes are got at a time, at most. */
const saltsAtOnce = 128

/** One run of an operation: decides its claims, remembers them, and makes its records of them. */
export class LiveWalk implements Walk {
  readonly actor: Actor
  readonly now: number
  tools: Tools
  readonly names: NameIndex
  readonly house: House
  #facts: Facts | undefined
  readonly #parts: WalkParts
  readonly #view: SnapshotView
  readonly #caller: Caller
  readonly #revision: number
  readonly #steps: Step[] = [{ claims: [] }]
  /** Of a many-verb. */
  #granted: GrantedBefore | undefined
  #step: Step = this.#steps[0] as Step
  #dependsOnAll = false
  #validUntil = Infinity
  #details: RecordDetails | undefined

  /** @param view - what to read with, where not the parts' own. */
  constructor(parts: WalkParts, caller: Caller, view: SnapshotView = parts.view) {
    this.#parts = parts
    this.#view = view
    this.#caller = caller
    this.#revision = parts.revision()
    this.actor = caller.actor
    this.now = parts.clock.now()
    this.tools = parts.tools
    this.names = parts.names
    this.house = parts.house
  }

  /** Whether anything was claimed. */
  get hasClaimed(): boolean {
    return this.#steps.some((step) => step.claims.length > 0)
  }

  /** Claims to be let in at all. @throws AccessDeniedError */
  async enter(): Promise<void> {
    await this.#claim(ownOnly({ kind: 'presence', action: this.#caller.action }))
  }

  async authorize(action: string): Promise<void> {
    await this.#claim(ownOnly({ kind: 'action', action }))
  }

  async key(action: string, reference: string): Promise<KeyRow> {
    return (await this.#claim({ kind: 'key', action, key: reference })).key as KeyRow
  }

  material(target: Target): Material | PairMaterial | Promise<Material | PairMaterial> {
    const claim = { ...nothingAsked, ...target, kind: 'use' } as const
    const again = this.#granted?.find(claim)
    if (again !== undefined) {
      this.#add(again.claim)
      return again.material
    }
    return this.#granted === undefined ? this.#material(claim) : this.#materialOfMany(claim, this.#granted)
  }

  #material(claim: UseClaim): Material | PairMaterial | Promise<Material | PairMaterial> {
    const lately = this.#grantedLately(claim)
    return lately === undefined ? this.#claimUse(claim).then((decided) => this.#given(decided)) : this.#given(lately)
  }

  /** What a claim that was granted gives. */
  #given({ decision }: DecidedClaim): Material | PairMaterial {
    const usable = decision?.usable
    return this.#parts.keyring.materialOf(usable as NonNullable<typeof usable>)
  }

  async #materialOfMany(claim: UseClaim, before: GrantedBefore): Promise<Material | PairMaterial> {
    const decided = this.#grantedLately(claim) ?? (await this.#claimUse(claim))
    const material = this.#given(decided)
    before.remember(claim, { claim: decided, material })
    return material
  }

  async materials(target: Target): Promise<readonly (Material | PairMaterial)[]> {
    const { usables = [] } = await this.#claim({ ...nothingAsked, ...target, kind: 'useAll' })
    return usables.map((usable) => this.#parts.keyring.materialOf(usable))
  }

  async row<R extends RevisedRow>(query: Query<R | undefined>): Promise<R | undefined> {
    this.#facts ??= new Facts()
    return this.#facts.read(this.#view, query)
  }

  async each<I extends Item, R>(items: readonly I[], work: (item: I) => R | Promise<R>): Promise<ManyItem<R>[]> {
    this.#granted = new GrantedBefore()
    const random = new RandomBlock(this.tools.random, saltBytes * Math.min(items.length, saltsAtOnce))
    this.tools = { ...this.tools, random }
    const begin = (): Step => {
      this.#step = { claims: [] }
      this.#steps.push(this.#step)
      return this.#step
    }
    try {
      return await eachItem({ items, work }, { begin, clock: this.#parts.clock, timers: this.tools.timers })
    } finally {
      random.discard()
    }
  }

  async snapshot<T>(read: (reader: StorageReader, of: SnapshotOf) => Promise<T>): Promise<T> {
    const { tenant } = this.#parts
    return this.#view.snapshot(async (reader, { size, revision }) => read(reader, { tenant, size, revision }))
  }

  get recorded(): Pseudonyms {
    return this.#parts.pseudonyms
  }

  dependsOnAll(): void {
    this.#dependsOnAll = true
  }

  endsAt(time: number): void {
    this.#validUntil = Math.min(this.#validUntil, time)
  }

  note(details: RecordDetails): void {
    this.#details = { ...this.#details, ...details }
  }

  /** What the ledger is to record of this walk, and how it asks whether it would still end so. */
  entry(result: unknown, error: unknown): UseEntry {
    if (error !== undefined) this.#step.error = error as KmsError
    return {
      kind: 'use',
      drafts: this.#draftsOf(this.#steps),
      revision: this.#revision,
      validUntil: this.#validUntil,
      resultBytes: byteSize(result),
      charge: error === undefined ? this.#charge() : undefined,
      holds: async (view, now) => this.#holds(view, now),
    }
  }

  #draftsOf(steps: readonly Step[]): RecordDraft[] {
    const { pseudonyms } = this.#parts
    return draftRecords(this.#caller, { steps, many: this.#granted !== undefined, details: this.#details, pseudonyms })
  }

  #charge(): Charge | undefined {
    return chargeOf(this.#steps, this.actor.id, (steps) => this.#draftsOf(steps))
  }

  /** Most steps claim one thing: an array that is made with it has no room for more. */
  #add(claim: DecidedClaim, step: Step = this.#step): void {
    if (step.claims.length === 0) step.claims = [claim]
    else step.claims.push(claim)
  }

  /** Claims a use as one like it was decided lately, if one was. */
  #grantedLately(claim: UseClaim): DecidedClaim | undefined {
    const known = this.#parts.recent?.find({ actor: this.actor, claim, now: this.now })
    if (known?.decision === undefined) return undefined
    this.#add(known)
    this.#validUntil = Math.min(this.#validUntil, known.decision.validUntil)
    return known
  }

  /** Claims a use by deciding it. */
  async #claimUse(claim: UseClaim): Promise<DecidedClaim> {
    const { recent } = this.#parts
    const revision = recent?.revision ?? 0
    await this.#claim(claim)
    const decided = this.#step.claims.at(-1) as DecidedClaim
    recent?.remember(decided, { actor: this.actor, claim, now: this.now }, revision)
    return decided
  }

  async #claim(claim: Claim): Promise<Decision> {
    const step = this.#step
    try {
      const decision = await decide(this.#view, this.actor, { claim, now: this.now })
      this.#add({ claim, decision, outcome: outcomeOf(decision), keyId: decision.key?.id }, step)
      this.#validUntil = Math.min(this.#validUntil, decision.validUntil)
      return decision
    } catch (error) {
      if (isKmsError(error)) await this.#refused(step, claim, error)
      throw error
    }
  }

  /** Remembers a claim that was not granted, with the key that it was about, for the record. */
  async #refused(step: Step, claim: Claim, error: KmsError): Promise<void> {
    const keyId =
      claim.kind === 'action' || claim.kind === 'presence' ? claim.keyId : await this.#keyIdOf(claim.key, error)
    this.#add({ claim, decision: undefined, outcome: error.code, keyId }, step)
    // Until when a refusal is true nobody knows: it is decided again when it is recorded.
    if (error.code !== 'STORAGE_UNAVAILABLE') this.#validUntil = -Infinity
  }

  /** The key that a refused claim named. A storage that did not answer is not asked again. */
  async #keyIdOf(reference: string, error: KmsError): Promise<string | undefined> {
    if (error.code === 'STORAGE_UNAVAILABLE') return undefined
    return resolveKey(this.#view, reference).catch(() => undefined)
  }

  async #holds(view: StateView, now: number): Promise<boolean> {
    if (this.#dependsOnAll && (this.#parts.revision() !== this.#revision || now >= this.#validUntil)) return false
    // Items that claimed the same share one claim.
    for (const { claim, outcome } of new Set(this.#steps.flatMap((step) => step.claims))) {
      if ((await outcomeNow(view, this.actor, { claim, now })) !== outcome) return false
    }
    return this.#facts === undefined || this.#facts.hold(view)
  }
}
