import { allOf } from '../internal/all-of.ts'
import { limits } from '../internal/defaults.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import type { BatchCompanion, LinkedBatch } from './companion.ts'

const keptHeads = 8

/** Removes the oldest heads now and then, but the newest few. */
export class HeadTrimmer implements BatchCompanion {
  #batches = 0
  /** Size of the newest head that was trimmed. Looking for older ones would pass all that a long snapshot keeps. */
  #trimmedTo = -1
  /** The same as of the batch that is under way. */
  #trimmingTo = -1

  async write(tx: StorageTransaction, { head: { tenant } }: LinkedBatch): Promise<void> {
    this.#batches += 1
    this.#trimmingTo = this.#trimmedTo
    if (this.#batches % limits.trimEveryBatches !== 0) return
    const oldest = await tx.range('heads', { prefix: [tenant], after: [this.#trimmedTo], limit: limits.batchRecords })
    const sizes = oldest.slice(0, -keptHeads).map((row) => row['size'] as number)
    await allOf(sizes.map(async (size) => tx.remove('heads', [tenant, size])))
    this.#trimmingTo = sizes.at(-1) ?? this.#trimmedTo
  }

  committed(): void {
    this.#trimmedTo = this.#trimmingTo
  }
}
