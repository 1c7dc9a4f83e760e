import type { SigningKey } from '../crypto/ed25519.ts'
import type { Clock } from '../internal/clock.ts'
import { limits } from '../internal/defaults.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import { signCheckpoint } from './checkpoint.ts'

/** What a checkpoint writer works with. */
export interface CheckpointParts {
  readonly tenant: string
  readonly origin: string
  readonly key: SigningKey
  readonly clock: Clock
}

/** Signs checkpoints, at most one a second under load. Between them the head's MAC protects. */
export class CheckpointWriter {
  readonly #parts: CheckpointParts
  #signedAt = -Infinity
  #signedSize = 0
  #insertedSize = 0

  constructor(parts: CheckpointParts) {
    this.#parts = parts
  }

  /** Whether a second has passed since the last one. */
  isDue(): boolean {
    return this.#parts.clock.monotonic() - this.#signedAt >= limits.checkpointIntervalMs
  }

  /** Whether the newest checkpoint is of a shorter log than this. */
  isBehind(size: number): boolean {
    return size > this.#signedSize
  }

  /** Signs and stores one, as part of a transaction. */
  async insert(tx: StorageTransaction, size: number, root: Buffer): Promise<void> {
    const { tenant, origin, key, clock } = this.#parts
    const note = signCheckpoint({ origin, size, root }, key)
    this.#insertedSize = size
    await tx.insert('checkpoints', { tenant, size, note, createdAt: clock.now() })
  }

  /** The transaction that made the log this long is durable. */
  committed(size: number): void {
    if (this.#insertedSize !== size || size === this.#signedSize) return
    this.#signedSize = size
    this.#signedAt = this.#parts.clock.monotonic()
  }
}
