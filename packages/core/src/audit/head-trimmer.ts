import { allOf } from '../internal/all-of.ts'
import { limits } from '../internal/defaults.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import { asksOnly, type BatchCompanion, type LinkedBatch } from './companion.ts'

const keptHeads = 8
/** Who only asks for numbers trims fewer heads, and sooner. */
const trimmedByAsking = 8

/** Removes the oldest heads now and then, but the newest few. */
export class HeadTrimmer implements BatchCompanion {
  #batches = 0
  /** Size of the newest head that was trimmed. Looking for older ones would pass all that a long snapshot keeps. */
  #trimmedTo = -1
  /** The same as of the batch that is under way. */
  #trimmingTo = -1

  async write(tx: StorageTransaction, batch: LinkedBatch): Promise<void> {
    const asks = asksOnly(batch)
    const { tenant } = batch.head
    this.#batches += 1
    this.#trimmingTo = this.#trimmedTo
    if (this.#batches < (asks ? trimmedByAsking : limits.trimEveryBatches)) return
    this.#batches = 0
    const limit = asks ? trimmedByAsking + keptHeads : limits.batchRecords
    const oldest = await tx.range('heads', { prefix: [tenant], after: [this.#trimmedTo], limit })
    const sizes = oldest.slice(0, -keptHeads).map((row) => row['size'] as number)
    await allOf(sizes.map(async (size) => tx.remove('heads', [tenant, size])))
    this.#trimmingTo = sizes.at(-1) ?? this.#trimmedTo
  }

  committed(): void {
    this.#trimmedTo = this.#trimmingTo
  }
}
