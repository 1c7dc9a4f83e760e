import { StorageUnavailableError, isKmsError, type KmsError } from '../errors.ts'
import { allOf } from '../internal/all-of.ts'
import { pause, type Clock, type Timers } from '../internal/clock.ts'
import type { Randomness } from '../crypto/randomness.ts'
import type { SecretKey } from '../crypto/secret-key.ts'
import type { StateCache } from '../state/cache.ts'
import type { Trees } from '../state/tree/trees.ts'
import type { StorageAdapter, StorageTransaction } from '../storage/adapter.ts'
import { isStorageConflict, storageFailureOf } from '../storage/errors.ts'
import { Behind, catchUp, changesUnderLock } from './catch-up.ts'
import { ChainBuilder } from './chain.ts'
import type { BatchCompanion, LinkedBatch } from './companion.ts'
import type { Entry } from './entry.ts'
import { headRow, type Head } from './head.ts'
import { UnknownEpochError, type HeadGuard } from './head-guard.ts'
import type { BatchMeter, Meter } from './meter.ts'
import { doChange, linkUse, type BatchPlace } from './turn.ts'
import { WriterClock } from './writer-clock.ts'
import type { Veil } from './veil.ts'

/** What a committer works with. */
export interface CommitterParts {
  readonly storage: StorageAdapter
  readonly tenant: string
  readonly cache: StateCache
  readonly trees: Trees
  readonly guard: HeadGuard
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Randomness
  /** What else is written with every batch. */
  readonly companions: readonly BatchCompanion[]
  /** What counts uses, where some are counted. */
  readonly meter?: Meter | undefined
  /** Hides people in what is recorded. @defaultValue nothing is hidden */
  readonly veil?: Veil | undefined
  /** What authenticates new heads: the key of the newest epoch. */
  readonly keyring: { readonly epoch: number; headMacKey(epoch: number): SecretKey }
  /** Takes over keyring epochs that others began: outside of the lock, for the root key may take its time. */
  readonly learn?: (() => Promise<void>) | undefined
}

/** A batch as it was written: for each entry the `seq` of its last record, or `undefined` where it must be done again. */
export interface Batch {
  readonly head: Head
  readonly seqs: ReadonlyMap<Entry, number | undefined>
  /** Uses that were recorded as refused, because they were done too often. */
  readonly refusals: ReadonlyMap<Entry, KmsError>
}

interface Attempt extends Batch {
  readonly chain: ChainBuilder
  readonly meter: BatchMeter | undefined
  readonly firstWriterSeq: number
  /** What companions were told; `undefined` where there was nothing to write. */
  readonly linked: LinkedBatch | undefined
}

/** Time between two looks for a commit whose outcome is unknown. */
const retryMs = 5

/**
 * Writes one batch in one storage transaction: lock, head, uses, changes, records, head. A crash before the commit
 * leaves nothing; a crash after it leaves records of results that nobody got, which is allowed.
 */
export class Committer {
  readonly #parts: CommitterParts
  #writer: string
  #nextWriterSeq = 0
  readonly #clock: WriterClock

  constructor(parts: CommitterParts) {
    this.#parts = parts
    this.#clock = new WriterClock(parts.clock)
    this.#writer = parts.random.uuid()
  }

  /**
   * Commits a batch, and says what became of it. When the adapter does not know whether the commit was applied, the
   * records are looked for under the lock until that is known or `signal` aborts.
   *
   * @throws what the adapter threw, if nothing was applied.
   */
  async commit(entries: readonly Entry[], signal: AbortSignal): Promise<Batch> {
    const { storage, tenant, learn } = this.#parts
    let hasLearned = false
    for (;;) {
      let attempt: Attempt | undefined
      const write = async (tx: StorageTransaction): Promise<void> => {
        attempt = await this.#write(tx, entries)
      }
      try {
        await storage.transact(tenant, write, { signal, early: true })
        if (attempt !== undefined) return this.#committed(attempt)
        throw new StorageUnavailableError('the storage did not run the transaction')
      } catch (error) {
        if (error instanceof UnknownEpochError && learn !== undefined && !hasLearned) {
          hasLearned = true
          await learn()
        } else if (error instanceof Behind) await this.#catchUpOutside()
        else if (await this.#isAppliedAfter(error, attempt, signal))
          return this.#committed(attempt as unknown as Attempt)
        else throw error
      }
    }
  }

  #committed(attempt: Attempt): Batch {
    const { guard, cache, companions } = this.#parts
    guard.saw(attempt.head)
    cache.advance(attempt.head.revision, attempt.chain.touched)
    const { linked, meter } = attempt
    meter?.committed()
    if (linked !== undefined) for (const companion of companions) companion.committed?.(linked)
    return attempt
  }

  /** Whether an attempt was applied although its transaction failed. If not, or not that we know, companions hear it. */
  async #isAppliedAfter(error: unknown, attempt: Attempt | undefined, signal: AbortSignal): Promise<boolean> {
    if (isStorageConflict(error)) this.#renewWriter()
    let applied = false
    try {
      const certainlyNot = attempt === undefined || isKmsError(error) || storageFailureOf(error)?.outcome === 'none'
      applied = certainlyNot ? false : await this.#isApplied(attempt as Attempt, signal)
      return applied
    } finally {
      if (!applied && attempt?.linked !== undefined) this.#failed(attempt.linked)
    }
  }

  #failed(linked: LinkedBatch): void {
    for (const companion of this.#parts.companions) companion.failed?.(linked)
  }

  /**
   * Whether the attempt's first record is in the chain. Taking the lock waits for the old transaction to die, so the
   * answer is final. A record in its place with another hash means that this writer was cloned.
   */
  async #isApplied(attempt: Attempt, signal: AbortSignal): Promise<boolean> {
    const first = attempt.chain.rows.at(0)
    if (first === undefined) return true
    const prefix = [this.#parts.tenant, this.#writer, attempt.firstWriterSeq]
    for (;;) {
      try {
        const rows = await this.#parts.storage.transact(
          this.#parts.tenant,
          async (tx) => tx.range('records', { index: 'by_writer', prefix, limit: 1 }),
          { signal },
        )
        const hash = rows.at(0)?.['hash']
        if (hash === undefined) return false
        if (first.hash.equals(hash as Uint8Array)) return true
        this.#renewWriter()
        return false
      } catch (error) {
        if (signal.aborted) throw error
        await pause(this.#parts.timers, retryMs)
      }
    }
  }

  #renewWriter(): void {
    this.#writer = this.#parts.random.uuid()
    this.#nextWriterSeq = 0
  }

  async #catchUpOutside(): Promise<void> {
    const { storage, guard, cache } = this.#parts
    const floor = guard.seen
    await storage.snapshot(async (reader) => {
      const head = await guard.read(reader, floor)
      guard.saw(head)
      await catchUp(reader, cache, head)
    })
  }

  async #write(tx: StorageTransaction, entries: readonly Entry[]): Promise<Attempt> {
    const { guard, cache, tenant, trees } = this.#parts
    const head = await guard.read(tx, guard.seen)
    // Seen before the cache learns of it: what this process has once known, no older snapshot takes back.
    guard.saw(head)
    // What others here have seen while this waited for the lock may be more. From outside, a lost lock is told from a lie.
    if (guard.isAheadOf(head) || head.revision - cache.revision > changesUnderLock) throw new Behind('look outside')
    await catchUp(tx, cache, head)
    const firstWriterSeq = this.#nextWriterSeq
    const times = this.#clock.after(head.ts)
    const writer = { id: this.#writer, nextSeq: firstWriterSeq, ...times }
    const chain = new ChainBuilder(head, writer, this.#parts.veil)
    const tree = trees.at(tx, head.stateRoot)
    const meter = this.#parts.meter?.begin({ tx, tenant, cache, tree, ...times })
    const place = { tx, chain, cache, tenant, tree, meter }
    const seqs = new Map<Entry, number | undefined>()
    const refusals = await linkUses(entries, place, seqs)
    for (const entry of entries) if (entry.kind === 'change') seqs.set(entry, await doChange(entry, place))
    this.#nextWriterSeq += chain.rows.length
    const linked = await this.#insert(tx, head, chain)
    return { chain, seqs, refusals, meter, firstWriterSeq, linked, head: linked?.head ?? head }
  }

  async #insert(tx: StorageTransaction, before: Head, chain: ChainBuilder): Promise<LinkedBatch | undefined> {
    if (chain.rows.length === 0) return undefined
    const { companions, keyring } = this.#parts
    const head = chain.head(keyring.epoch)
    const row = headRow(head, keyring.headMacKey(head.epoch))
    // Everything in one go: each wait of one for another would be a round trip for everybody.
    const written = allOf([tx.append('records', chain.rows), tx.insert('heads', row)])
    const linked = { before, head, chain, written }
    try {
      await allOf<unknown>([written, ...companions.map(async (companion) => companion.write(tx, linked))])
    } catch (error) {
      this.#failed(linked)
      throw error
    }
    return linked
  }
}

/** Links the uses of a batch, and writes what is counted of them. Which of them were refused. */
async function linkUses(
  entries: readonly Entry[],
  place: BatchPlace,
  seqs: Map<Entry, number | undefined>,
): Promise<ReadonlyMap<Entry, KmsError>> {
  let refusals: Map<Entry, KmsError> | undefined
  for (const entry of entries) {
    if (entry.kind !== 'use') continue
    const linked = await linkUse(entry, place)
    seqs.set(entry, linked?.seq)
    if (linked?.refusal !== undefined) (refusals ??= new Map()).set(entry, linked.refusal)
  }
  if (place.meter?.isChanged === true) {
    await place.meter.settle()
    place.tree.keep()
    place.chain.moved(place.tree.root)
  }
  return refusals ?? none
}

const none: ReadonlyMap<Entry, KmsError> = new Map()
