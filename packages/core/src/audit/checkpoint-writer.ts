import type { SigningKey } from '../crypto/ed25519.ts'
import type { Clock } from '../internal/clock.ts'
import { limits } from '../internal/defaults.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import { signCheckpoint } from './checkpoint.ts'
import type { BatchCompanion, LinkedBatch } from './companion.ts'

/** What a checkpoint writer works with. */
export interface CheckpointParts {
  readonly tenant: string
  readonly origin: string
  readonly key: SigningKey
  readonly clock: Clock
}

/** Signs checkpoints, at most one a second under load. Between them the head's MAC protects. */
export class CheckpointWriter implements BatchCompanion {
  readonly #parts: CheckpointParts
  #signedAt = -Infinity
  #signedSize = 0
  #insertedSize = 0

  constructor(parts: CheckpointParts) {
    this.#parts = parts
  }

  /** Whether the newest checkpoint is of a shorter log than this. */
  isBehind(size: number): boolean {
    return size > this.#signedSize
  }

  /** Signs the batch's head, if a second has passed since the last one. */
  async write(tx: StorageTransaction, { head, chain }: LinkedBatch): Promise<void> {
    if (this.#parts.clock.monotonic() - this.#signedAt < limits.checkpointIntervalMs) return
    await this.insert(tx, head.size, chain.root())
  }

  /** Signs and stores one, as part of a transaction. */
  async insert(tx: StorageTransaction, size: number, root: Buffer): Promise<void> {
    const { tenant, origin, key, clock } = this.#parts
    const note = signCheckpoint({ origin, size, root }, key)
    this.#insertedSize = size
    await tx.insert('checkpoints', { tenant, size, note, createdAt: clock.now() })
  }

  committed({ head: { size } }: LinkedBatch): void {
    if (this.#insertedSize !== size || size === this.#signedSize) return
    this.#signedSize = size
    this.#signedAt = this.#parts.clock.monotonic()
  }
}
