import { AuditUnavailableError, ClosedError, isKmsError, type KmsError, type KmsErrorOptions } from '../errors.ts'
import { pause, type Clock, type Timers } from '../internal/clock.ts'
import type { Recorded } from '../stages.ts'
import { isStorageConflict, storageFailureOf } from '../storage/errors.ts'
import type { Batch, Committer } from './committer.ts'
import type { Entry } from './entry.ts'
import { Queue, type Outcome, type Pending, type Waiter } from './queue.ts'

/** How long a storage may take to settle after everybody has given up on it. */
const hungAfterMs = 1000

/** What a ledger works with. */
export interface LedgerParts {
  readonly committer: Committer
  readonly clock: Clock
  readonly timers: Timers
  readonly deadlineMs: number
}

/**
 * The one way into the chain. Entries gather while the batch before them commits; each batch is one storage
 * transaction, and what it records is released only when that is durable.
 */
export class Ledger {
  readonly #parts: LedgerParts
  readonly #queue: Queue
  readonly #listeners = new Set<() => void>()
  #isRunning = false
  #closed = false

  constructor(parts: LedgerParts) {
    this.#parts = parts
    this.#queue = new Queue(parts.clock, parts.timers, parts.deadlineMs)
  }

  /** How many operations wait for their records. */
  get waiting(): number {
    return this.#queue.size
  }

  /** For how long the first of them has waited, in milliseconds. */
  get lagMs(): number {
    return this.#queue.lagMs
  }

  /**
   * Records an operation. Resolves when its records are durable, or with `again` when it must be done again because
   * the state has moved and it would now be decided otherwise.
   *
   * @throws AuditUnavailableError, AuditOverloadedError, AbortedError, ClosedError, StorageTamperedError,
   *   RollbackDetectedError: in all cases without a result.
   */
  append(entry: Entry, waiter: Waiter): Promise<Outcome> {
    if (this.#closed) return Promise.reject(new ClosedError('the KMS is closed'))
    const outcome = this.#queue.add(entry, waiter)
    if (!this.#isRunning) void this.#run()
    return outcome
  }

  /** Calls back after every batch. Returns how to stop. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes nothing more, and waits until everything that was taken is settled: by its record, or by its deadline. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#queue.whenEmpty()
    // Whoever waits for the next batch learns that there is none.
    for (const listener of this.#listeners) listener()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    // Whoever is ready to ask gets a turn first, so that callers who wait together are written together.
    for (await this.#parts.timers.turn(); this.#queue.hasWaiting; await this.#parts.timers.turn()) {
      await this.#write(this.#queue.take())
    }
    this.#isRunning = false
  }

  /** Commits a batch; whatever happens, everything in it is settled in the end. */
  async #write(batch: readonly Pending[]): Promise<void> {
    for (let failures = 0; ; failures++) {
      const open = batch.filter((pending) => !pending.settled)
      if (open.length === 0) return
      const error = await this.#attempt(open)
      if (error === undefined || open.every((pending) => pending.settled)) return
      if (isKmsError(error)) return refuse(open, () => copyOf(error))
      if (isTransient(error)) {
        await pause(this.#parts.timers, Math.min(2 ** failures, 100))
      } else if (open.length > 1) {
        for (const part of split(open)) await this.#write(part)
        return
      } else if (failures > 0) {
        return refuse(open, () => unavailable(error))
      }
    }
  }

  async #attempt(batch: readonly Pending[]): Promise<unknown> {
    const abandon = new AbortController()
    let waiting = batch.length
    const settled = (): void => {
      waiting -= 1
      if (waiting === 0) abandon.abort()
    }
    for (const pending of batch) {
      pending.inFlight = true
      pending.whenSettled = settled
    }
    try {
      const entries = batch.map((pending) => pending.entry)
      const done = await this.#unlessHung(this.#parts.committer.commit(entries, abandon.signal), abandon.signal)
      // From here on nobody is waited for: what is settled now is settled by its record.
      for (const pending of batch) pending.whenSettled = undefined
      release(batch, done)
      for (const listener of this.#listeners) listener()
      return undefined
    } catch (error) {
      return error ?? new Error('the storage failed without saying why')
    } finally {
      for (const pending of batch) pending.inFlight = false
    }
  }

  /**
   * A storage that does not settle although nobody waits any more is left to itself, so that the next batch is tried.
   * Should it still commit, its records are in the chain, and nobody got a result for them.
   */
  async #unlessHung(commit: Promise<Batch>, signal: AbortSignal): Promise<Batch> {
    const { promise, reject } = Promise.withResolvers<never>()
    let stop = (): void => undefined
    const hurry = (): void => {
      stop = this.#parts.timers.after(hungAfterMs, () => reject(new Error('the storage hangs')))
    }
    signal.addEventListener('abort', hurry)
    try {
      return await Promise.race([commit, promise])
    } finally {
      stop()
      // Left on the signal, it would keep what this batch held from the young generation's collector.
      signal.removeEventListener('abort', hurry)
    }
  }
}

function release(batch: readonly Pending[], done: Batch): void {
  for (const pending of batch) {
    const seq = done.seqs.get(pending.entry)
    const refusal = done.refusals.get(pending.entry)
    pending.settle(seq === undefined ? 'again' : ({ seq, refusal } as Recorded))
  }
}

function refuse(batch: readonly Pending[], error: () => KmsError): void {
  for (const pending of batch) pending.settle(error())
}

/** The uses alone, then each change alone: one poisoned request never fails another. */
function split(batch: readonly Pending[]): Pending[][] {
  const uses = batch.filter((pending) => pending.entry.kind === 'use')
  const changes = batch.filter((pending) => pending.entry.kind === 'change')
  const parts = uses.length === batch.length ? uses.map((use) => [use]) : [uses, ...changes.map((change) => [change])]
  return parts.filter((part) => part.length > 0)
}

function isTransient(error: unknown): boolean {
  return storageFailureOf(error)?.transient === true || isStorageConflict(error)
}

/** Every caller gets an error of its own. */
function copyOf(error: KmsError): KmsError {
  const Class = error.constructor as new (message: string, options: KmsErrorOptions) => KmsError
  return new Class(error.message, { cause: error.cause })
}

function unavailable(cause: unknown): AuditUnavailableError {
  return new AuditUnavailableError('the audit record could not be written', 'none', { cause })
}
