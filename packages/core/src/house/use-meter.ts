import { exceeded, openCount, quotasOn, subjectOf, writeCount, type QuotaCount } from '../access/quota.ts'
import type { BatchMeter, Deed, Meter, MeterPlace, Spending } from '../audit/meter.ts'
import { isKmsError, type KmsError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import { Lru } from '../internal/lru.ts'
import { messageCountOf, noLease, takeMessages, useLease, type Lease } from '../keys/messages.ts'
import type { MessageCountRow, QuotaRow } from '../state/lifecycle-rows.ts'
import { RowWriter } from '../state/row-writer.ts'
import { AuthenticReader } from '../state/tree/authentic-reader.ts'
import { TransactionView } from '../state/view.ts'

/** Hears of keys whose current version has protected as many messages as it is to. */
export type OnSpent = (keyId: string) => Promise<void>

/**
 * Counts uses towards quotas, and messages towards rotations. Where nobody has set either it writes nothing, and reads
 * from memory. Counters that decide are rows of the state: they are checked, and written, with the records of what they
 * count, at most once for each batch and counter.
 */
export class UseMeter implements Meter {
  /** What this process may protect without writing, by key version. */
  readonly leases = new Lru<string, Lease>(limits.cachedMaterials)
  /** Versions that somebody was told of. Who forgets it tells again, which changes nothing. */
  readonly #told = new Lru<string, true>(limits.cachedMaterials)
  readonly #quotas = new Map<string, readonly QuotaRow[]>()
  #revision = -1
  #onSpent: OnSpent = async () => undefined

  /** Says who hears of keys that are to be rotated. */
  tell(onSpent: OnSpent): void {
    this.#onSpent = onSpent
  }

  begin(place: MeterPlace): BatchMeter {
    if (place.cache.revision !== this.#revision) this.#quotas.clear()
    this.#revision = place.cache.revision
    return new UseCount(this, place)
  }

  /** Keeps what a batch has left of a lease. Where it hung, and others went on from what it began with, nothing is left. */
  keep(name: string, { begun, lease }: { readonly begun: Lease | undefined; readonly lease: Lease }): void {
    if (this.leases.get(name) === begun) this.leases.set(name, lease)
    else this.leases.delete(name)
  }

  /** The quotas on an operation, at the revision of the batch. */
  quotasOn(action: string, place: MeterPlace): readonly QuotaRow[] | Promise<readonly QuotaRow[]> {
    return this.#quotas.get(action) ?? this.#readQuotas(action, place)
  }

  /** A version has protected as many messages as it is to. Whoever fails to hear of it hears of it again. */
  spent({ keyId, version }: Spending): void {
    const name = nameOf(keyId, version)
    if (this.#told.get(name) === true) return
    this.#told.set(name, true)
    this.#onSpent(keyId).catch(() => this.#told.delete(name))
  }

  async #readQuotas(action: string, { tx, tree, tenant, cache }: MeterPlace): Promise<readonly QuotaRow[]> {
    const view = new TransactionView(new AuthenticReader(tx, tree), tenant, cache)
    const quotas = await view.read(quotasOn(action))
    this.#quotas.set(action, quotas)
    return quotas
  }
}

/** Messages of a version that were taken in this batch. */
interface Taking {
  readonly of: Spending
  /** What there was before the batch. */
  readonly begun: Lease | undefined
  readonly lease: Lease
  readonly taken: number
  /** Their count as it is stored, `row` or none: read before anything is taken. */
  readonly stored: { readonly row: MessageCountRow | undefined } | undefined
}

/** What is added to a count, and is taken back where something else has no room. */
interface Addition {
  readonly count: QuotaCount
  readonly by: number
}

class UseCount implements BatchMeter {
  readonly #meter: UseMeter
  readonly #place: MeterPlace
  #counts: Map<string, QuotaCount> | undefined
  #takings: Map<string, Taking> | undefined
  #spent: readonly Spending[] = []
  #writer: RowWriter | undefined

  constructor(meter: UseMeter, place: MeterPlace) {
    this.#meter = meter
    this.#place = place
  }

  charge(deeds: readonly Deed[]): KmsError | undefined | Promise<KmsError | undefined> {
    for (const { action } of deeds) {
      const quotas = this.#meter.quotasOn(action, this.#place)
      if (quotas instanceof Promise || quotas.length > 0) return this.#chargeQuotas(deeds, quotas)
    }
    return this.#spend(deeds)
  }

  get isChanged(): boolean {
    return this.#changed.length > 0 || this.#taken.length > 0
  }

  async settle(): Promise<void> {
    const spent: Spending[] = []
    for (const count of this.#changed) await writeCount(this.#rows, count)
    for (const { of, taken, stored } of this.#taken) {
      const messages = await takeMessages(this.#rows, { keyId: of.keyId, version: of.version, taken, row: stored?.row })
      if (messages >= of.most) spent.push(of)
    }
    await this.#rows.settle()
    this.#spent = spent
  }

  committed(): void {
    for (const [name, taking] of this.#takings ?? []) this.#meter.keep(name, taking)
    for (const spending of this.#spent) this.#meter.spent(spending)
  }

  get #changed(): readonly QuotaCount[] {
    return this.#counts === undefined ? [] : [...this.#counts.values()].filter(({ window }) => window.isChanged)
  }

  get #taken(): readonly Taking[] {
    return this.#takings === undefined ? [] : [...this.#takings.values()].filter(({ taken }) => taken > 0)
  }

  get #rows(): RowWriter {
    this.#writer ??= new RowWriter(this.#place)
    return this.#writer
  }

  /** Counts that do not verify fail what they are asked for, and nothing else. */
  async #chargeQuotas(deeds: readonly Deed[], reading: unknown): Promise<KmsError | undefined> {
    const added: Addition[] = []
    try {
      await reading
      for (const deed of deeds) await this.#add(deed, added)
      const unreadable = await this.#spend(deeds)
      if (unreadable !== undefined) throw unreadable
      return undefined
    } catch (error) {
      if (!isKmsError(error)) throw error
      for (const { count, by } of added) count.window.add(-by)
      return error
    }
  }

  async #add(deed: Deed, added: Addition[]): Promise<void> {
    const { action: operation, principal, owner, count: by } = deed
    for (const quota of await this.#meter.quotasOn(operation, this.#place)) {
      const subject = subjectOf(quota, { operation, principal, owner })
      if (subject === undefined) continue
      const count = await this.#countOf(quota, subject)
      if (!count.window.hasRoom(by)) throw exceeded(count, by)
      count.window.add(by)
      added.push({ count, by })
    }
  }

  async #countOf(quota: QuotaRow, subject: string): Promise<QuotaCount> {
    const name = JSON.stringify([quota.operation, quota.name, subject])
    const known = this.#counts?.get(name)
    if (known !== undefined) return known
    const count = await openCount(this.#rows, { quota, subject, times: this.#place })
    this.#counts ??= new Map()
    this.#counts.set(name, count)
    return count
  }

  /** Takes the messages that were protected; at once, unless a count has to be read before more is taken. */
  #spend(deeds: readonly Deed[]): Promise<KmsError | undefined> | undefined {
    let unread: Map<string, Taking | undefined> | undefined
    for (const { spends, count } of deeds) {
      if (spends === undefined) continue
      const name = nameOf(spends.keyId, spends.version)
      this.#takings ??= new Map()
      const before = this.#takings.get(name)
      const taking = takingAfter(before, { of: spends, count, begun: this.#meter.leases.get(name) })
      this.#takings.set(name, taking)
      if (taking.taken === 0 || taking.stored !== undefined) continue
      unread ??= new Map()
      if (!unread.has(name)) unread.set(name, before)
    }
    return unread === undefined ? undefined : this.#readCounts(unread)
  }

  /** Reads counts, each once for the batch. One that does not verify fails who would take of it, and nobody else. */
  async #readCounts(unread: ReadonlyMap<string, Taking | undefined>): Promise<KmsError | undefined> {
    const takings = this.#takings ?? new Map<string, Taking>()
    try {
      for (const name of unread.keys()) {
        const taking = takings.get(name) as Taking
        const row = await this.#rows.read(messageCountOf(taking.of.keyId, taking.of.version))
        takings.set(name, { ...taking, stored: { row } })
      }
      return undefined
    } catch (error) {
      if (!isKmsError(error)) throw error
      for (const [name, before] of unread) {
        if (before === undefined) takings.delete(name)
        else takings.set(name, before)
      }
      return error
    }
  }
}

/** What was taken of a version, with so many messages more. */
function takingAfter(
  before: Taking | undefined,
  { of, count, begun }: Pick<Taking, 'of' | 'begun'> & { readonly count: number },
): Taking {
  if (before === undefined) return { of, begun, stored: undefined, ...useLease(begun ?? noLease, count, of.most) }
  const { lease, taken } = useLease(before.lease, count, of.most)
  return { ...before, of, lease, taken: before.taken + taken }
}

function nameOf(keyId: string, version: number): string {
  return `${keyId}:${version}`
}
