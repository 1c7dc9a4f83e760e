import type { StorageTransaction } from '../storage/adapter.ts'
import type { LinkedRecords } from './chain.ts'
import type { Head } from './head.ts'

/** The records of a batch, linked and on their way into the storage, whose transaction is not committed yet. */
export interface LinkedBatch {
  /** The head that they were linked to. */
  readonly before: Head
  /** The head after them. */
  readonly head: Head
  /** The records, and what became of the tree with them. */
  readonly chain: LinkedRecords
  /** Rejects where the records and the head could not be written: the batch fails then, whatever a companion does. */
  readonly written: Promise<unknown>
  /** Takes an answer over that a companion need not wait for: the batch waits for it, and fails where it does. */
  readonly takeOver: (answer: Promise<unknown>) => void
}

/** Whether all that a batch does is to ask for numbers: those who ask for them shall not wait for what others left to do. */
export function asksOnly({ chain }: LinkedBatch): boolean {
  return chain.drafts.every(({ action }) => action === 'readMetrics')
}

/**
 * Something that goes along with every batch of a tenant that has records, and writes rows of its own in the batch's
 * transaction: checkpoints, tiles, sums. What it writes is durable with the records, or not at all.
 *
 * All of them write at the same time, in one go with the records: what they ask takes effect after these. To each of them
 * calls come one after the other: `write`, then `committed` or `failed` of the same batch, then the next `write`. A batch
 * that was linked to a head which is not there fails without a `write`. A companion that remembers what it wrote takes it
 * for true in `committed` only. Other processes write batches too, so that what is stored may have moved between two
 * calls: a companion reads inside the transaction whatever it builds on, and is answered only once the head before the
 * batch is known to be the newest one.
 *
 * **It is on the way of every operation.** What it throws fails the batch, as if the storage had; and each call to the
 * storage that it waits for is one more round trip for everybody. So most batches should cost it none: what it
 * asks for last, it hands to the batch, which waits for all of it together.
 */
export interface BatchCompanion {
  /** Writes what belongs to the batch. Called again, with another batch, when the transaction is tried again. */
  write(tx: StorageTransaction, batch: LinkedBatch): Promise<void>
  /** The batch is durable. Must not throw. */
  committed?(batch: LinkedBatch): void
  /** The batch of the last `write` was not applied, or nobody knows. Must not throw. */
  failed?(batch: LinkedBatch): void
}
