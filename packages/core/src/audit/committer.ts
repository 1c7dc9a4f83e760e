import { StorageUnavailableError, isKmsError, type KmsError } from '../errors.ts'
import type { Clock, Timers } from '../internal/clock.ts'
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
import { areAllowedAt, ForeseenHead, readingAfter } from './foreseen-head.ts'
import type { Head } from './head.ts'
import { Moved, UnknownEpochError, type HeadGuard } from './head-guard.ts'
import { batchFailed, insertBatch, type Before, type Inserting } from './insert-batch.ts'
import type { BatchMeter, Meter } from './meter.ts'
import { doChange, linkUses } from './turn.ts'
import type { Veil } from './veil.ts'
import { WriterName } from './writer-name.ts'
import { WriterClock } from './writer-clock.ts'

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
  /** What companions were told; `undefined` where there was nothing to write. */
  readonly linked: LinkedBatch | undefined
}

/** What is known of one try to write a batch. */
interface Tried {
  /** Set when everything was asked for. */
  attempt?: Attempt
  /** Set when something of that has failed. */
  failed?: { readonly error: unknown }
}

/** An attempt for which everything has been asked for. */
interface Linking extends Pick<Inserting, 'answered'> {
  readonly attempt: Attempt
}

/**
 * Writes one batch in one storage transaction: lock, head, uses, changes, records, head. A crash before the commit
 * leaves nothing; a crash after it leaves records of results that nobody got, which is allowed.
 */
export class Committer {
  readonly #parts: CommitterParts
  readonly #writer: WriterName
  readonly #clock: WriterClock
  readonly #foreseen = new ForeseenHead()
  #tries = 0

  constructor(parts: CommitterParts) {
    this.#parts = parts
    this.#clock = new WriterClock(parts.clock)
    this.#writer = new WriterName(parts)
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
      const done: Tried = {}
      const write = async (tx: StorageTransaction): Promise<void> => {
        const { attempt, answered } = await this.#write(tx, entries)
        // From here on the storage may commit, whatever becomes of the answers.
        done.attempt = attempt
        try {
          tx.last?.()
        } finally {
          // A storage that is over already has said why in these.
          await answered.catch((error: unknown) => {
            done.failed = { error }
            throw error
          })
        }
      }
      try {
        await storage.transact(tenant, write, { signal, early: true })
        if (done.attempt !== undefined) return this.#committed(done.attempt)
        throw new StorageUnavailableError('the storage did not run the transaction')
      } catch (error) {
        this.#foreseen.missed()
        if (error instanceof Moved) continue
        if (error instanceof UnknownEpochError && learn !== undefined && !hasLearned) {
          hasLearned = true
          await learn()
        } else if (error instanceof Behind) await this.#catchUpOutside()
        else if (await this.#isAppliedAfter(error, done, signal)) return this.#committed(done.attempt as Attempt)
        else throw error
      }
    }
  }

  #committed(attempt: Attempt): Batch {
    const { guard, cache, companions } = this.#parts
    guard.saw(attempt.head)
    this.#foreseen.left(attempt.head)
    cache.advance(attempt.head.revision, attempt.chain.touched)
    const { linked, meter } = attempt
    meter?.committed()
    if (linked !== undefined) for (const companion of companions) companion.committed?.(linked)
    return attempt
  }

  /** Whether an attempt was applied although its transaction failed. If not, or not that we know, companions hear it. */
  async #isAppliedAfter(error: unknown, { attempt, failed }: Tried, signal: AbortSignal): Promise<boolean> {
    if (isStorageConflict(error)) this.#writer.renew()
    if (attempt === undefined) return false
    let applied = false
    try {
      // What `write` threw is thrown on where nothing was applied, and only then.
      const isThrownOn = failed !== undefined && failed.error === error
      const isKnown = isThrownOn || isKmsError(error) || storageFailureOf(error)?.outcome === 'none'
      applied = !isKnown && (await this.#writer.hasWritten(attempt.chain.rows, signal))
      return applied
    } finally {
      if (!applied && attempt.linked !== undefined) batchFailed(this.#parts.companions, attempt.linked)
    }
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

  async #write(tx: StorageTransaction, entries: readonly Entry[]): Promise<Linking> {
    const { guard, cache, clock } = this.#parts
    this.#tries += 1
    const foreseen = this.#foreseen.of(entries, { cache, guard, now: clock.now() })
    if (foreseen !== undefined) return this.#linkAhead(tx, entries, foreseen)
    const head = await guard.read(tx, guard.seen)
    // Seen before the cache learns of it: what this process has once known, no older snapshot takes back.
    guard.saw(head)
    this.#foreseen.found(head)
    // What others here have seen while this waited for the lock may be more. From outside, a lost lock is told from a lie.
    if (guard.isAheadOf(head) || head.revision - cache.revision > changesUnderLock) throw new Behind('look outside')
    await catchUp(tx, cache, head)
    return this.#link(entries, { head, read: Promise.resolve(), tx })
  }

  /**
   * Links a batch to the head that it will find, while the storage still takes the lock and looks. Where it finds another
   * one, nothing of this counts, whatever became of it. No row is read before: under this head it may be another one.
   */
  async #linkAhead(tx: StorageTransaction, entries: readonly Entry[], head: Head): Promise<Linking> {
    const { nextSeq } = this.#writer
    const tries = this.#tries
    const read = this.#expect(tx, entries, head)
    // It may be known before anybody asks.
    read.catch(() => undefined)
    try {
      return await this.#link(entries, { head, read, tx: readingAfter(read, tx) })
    } catch (error) {
      await read.catch((moved: unknown) => {
        // A storage that was given up may answer when others have taken the numbers after these.
        if (tries === this.#tries) this.#writer.backTo(nextSeq)
        throw moved
      })
      throw error
    }
  }

  /** What was allowed until some time was allowed at the time of the lock, however long that took. @throws Moved */
  async #expect(tx: StorageTransaction, entries: readonly Entry[], head: Head): Promise<void> {
    await this.#parts.guard.expect(tx, head)
    if (!areAllowedAt(this.#parts.clock.now(), entries)) throw new Moved('the time has come on which something hung')
  }

  async #link(entries: readonly Entry[], before: Before): Promise<Linking> {
    const { cache, tenant, trees } = this.#parts
    const { head, tx } = before
    const times = this.#clock.after(head.ts)
    const writer = { id: this.#writer.id, nextSeq: this.#writer.nextSeq, ...times }
    const chain = new ChainBuilder(head, writer, this.#parts.veil)
    const tree = trees.at(tx, head.stateRoot)
    const meter = this.#parts.meter?.begin({ tx, tenant, cache, tree, ...times })
    const place = { tx, chain, cache, tenant, tree, meter }
    const seqs = new Map<Entry, number | undefined>()
    const refusals = await linkUses(entries, place, seqs)
    for (const entry of entries) if (entry.kind === 'change') seqs.set(entry, await doChange(entry, place))
    this.#writer.linked(chain.rows.length)
    const { linked, answered } = await insertBatch(this.#parts, before, chain)
    return { attempt: { chain, seqs, refusals, meter, linked, head: linked?.head ?? head }, answered }
  }
}
