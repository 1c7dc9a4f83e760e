import { charge } from './access/quota.ts'
import type { Absent } from './absences.ts'
import type { Ready } from './ready.ts'
import type { RecordDetails, RecordDraft } from './audit/record.ts'
import type { Pseudonyms } from './audit/pseudonym.ts'
import type { FreshMaterial } from './crypto/fresh-material.ts'
import type { Randomness } from './crypto/randomness.ts'
import { decide, nothingAsked, type Claim, type Decision } from './decide.ts'
import { draftBare, type Caller } from './drafts.ts'
import type { Keyring } from './keys/keyring.ts'
import { resolveKey } from './keys/queries.ts'
import type { NameIndex } from './keys/name-index.ts'
import type { ChangeWalk, MaterialPlan, Target } from './runtime.ts'
import type { Actor, EncodedContext, Material, PairMaterial } from './stages.ts'
import type { ChangeSet } from './state/change-set.ts'
import type { KeyRow } from './state/rows.ts'

/** As whom what is due is done. */
export const scheduler = 'scheduler'

/** Who that is. */
export const scheduling: Actor = Object.freeze({ id: scheduler, role: 'admin' })

/** What changes of a tenant share. */
export interface ChangeParts {
  readonly tenant: string
  readonly auditOrigin: string
  readonly random: Randomness
  readonly keyring: Keyring
  readonly names: NameIndex
  readonly pseudonyms: Pseudonyms
}

/** Where and when a change runs, and what was made ready for it. */
export interface ChangePlace {
  readonly set: ChangeSet
  readonly now: number
  readonly ready: Ready
}

/** One run of a change inside its transaction. */
export class LiveChange implements ChangeWalk {
  readonly tenant: string
  readonly auditOrigin: string
  readonly actor: Actor
  readonly now: number
  readonly random: Randomness
  readonly keyring: Keyring
  readonly names: NameIndex
  readonly set: ChangeSet
  readonly #pseudonyms: Pseudonyms
  readonly #caller: Caller
  readonly #ready: Ready
  #key: KeyRow | undefined
  #keyId: string | undefined
  #version: number | undefined
  #context: EncodedContext | undefined
  #details: RecordDetails | undefined

  constructor(parts: ChangeParts, caller: Caller, at: ChangePlace) {
    this.tenant = parts.tenant
    this.auditOrigin = parts.auditOrigin
    this.actor = caller.actor
    this.random = parts.random
    this.keyring = parts.keyring
    this.names = parts.names
    this.#pseudonyms = parts.pseudonyms
    this.set = at.set
    this.now = at.now
    this.#caller = caller
    this.#ready = at.ready
  }

  async material(plan: MaterialPlan): Promise<FreshMaterial> {
    return this.#ready.materials.take(plan)
  }

  absent(rows: Absent): void {
    this.#ready.absences.require(rows)
  }

  async authorize(action: string, keyId?: string): Promise<void> {
    if (keyId !== '*') this.#keyId ??= keyId
    await this.#decide({ kind: 'action', action, keyId })
  }

  async key(action: string, reference: string): Promise<KeyRow> {
    this.#keyId ??= await resolveKey(this.set, reference)
    const { key } = await this.#decide({ kind: 'key', action, key: reference })
    this.subject(key as KeyRow)
    return key as KeyRow
  }

  async use(target: Target): Promise<Material | PairMaterial> {
    this.#keyId ??= await resolveKey(this.set, target.key)
    this.#context = target.context
    const { usable } = await this.#decide({ ...nothingAsked, ...target, kind: 'use' })
    const found = usable as NonNullable<typeof usable>
    this.subject(found.key)
    this.#version = found.version.version
    return this.keyring.materialOf(found)
  }

  subject(key: KeyRow): void {
    this.#key = key
  }

  note(details: RecordDetails): void {
    this.#details = { ...this.#details, ...details }
  }

  /** What is done, counted towards the quotas on it: nothing where it changes nothing. @throws QuotaExceededError */
  async charged<R>(work: Promise<R>): Promise<R> {
    const result = await work
    const { action, actor } = this.#caller
    // What is due is done by nobody, and was decided when somebody set the policy.
    if (this.set.touched.length === 0 || actor.id === scheduler) return result
    const owner = this.#key?.owner ?? undefined
    await charge(this.set, { operation: action, principal: actor.id, owner, now: this.now })
    return result
  }

  /** The record of this run. */
  draft(error: unknown): RecordDraft {
    const key = this.#key
    const pairs = this.#context?.pairs.length ?? 0
    return {
      ...draftBare(this.#caller, error, this.#details),
      context: pairs === 0 ? undefined : this.#pseudonyms.ofContext(this.#context as EncodedContext),
      keyId: key?.id ?? this.#keyId,
      keyVersion: this.#version ?? key?.currentVersion,
      owner: key?.owner ?? undefined,
    }
  }

  async #decide(claim: Claim): Promise<Decision> {
    return decide(this.set, this.actor, { claim, now: this.now })
  }
}
