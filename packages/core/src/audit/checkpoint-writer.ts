import type { SigningKey } from '../crypto/ed25519.ts'
import type { Clock } from '../internal/clock.ts'
import { limits } from '../internal/defaults.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import { signCheckpoint } from './checkpoint.ts'
import type { BatchCompanion, LinkedBatch } from './companion.ts'
import type { Head } from './head.ts'
import type { SignedCheckpoint } from './proofs.ts'
import { isRotation } from './signers.ts'

/** What a checkpoint writer works with. */
export interface CheckpointParts {
  readonly tenant: string
  readonly origin: string
  /** The keys in force in a state, by its root; the newest last. */
  readonly keysAt: (tx: StorageTransaction, stateRoot: Buffer) => Promise<readonly SigningKey[]>
  readonly clock: Clock
  /** Hears of every checkpoint that is durable. Must not throw. */
  readonly onSigned?: ((checkpoint: SignedCheckpoint) => void) | undefined
}

/**
 * Signs checkpoints, at most one a second under load. Between them the head's MAC protects. A batch that puts another
 * key in force ends in a checkpoint that both keys sign, so that the old one vouches for the new.
 */
export class CheckpointWriter implements BatchCompanion {
  readonly #parts: CheckpointParts
  #signedAt = -Infinity
  #signedSize = 0
  #insertedSize = 0
  #inserted: SignedCheckpoint | undefined

  constructor(parts: CheckpointParts) {
    this.#parts = parts
  }

  /** Whether the newest checkpoint is of a shorter log than this. */
  isBehind(size: number): boolean {
    return size > this.#signedSize
  }

  /** Signs the batch's head, if a second has passed since the last one, or keys have changed. */
  async write(tx: StorageTransaction, { head, chain }: LinkedBatch): Promise<void> {
    const rotations = chain.drafts.filter(isRotation).length
    const isDue = this.#parts.clock.monotonic() - this.#signedAt >= limits.checkpointIntervalMs
    if (isDue || rotations > 0) await this.#insert(tx, { head, root: chain.root(), rotations })
  }

  /** Signs and stores one, as part of a transaction. */
  async insert(tx: StorageTransaction, head: Head, root: Buffer): Promise<void> {
    await this.#insert(tx, { head, root, rotations: 0 })
  }

  committed({ head: { size } }: LinkedBatch): void {
    if (this.#insertedSize !== size || size === this.#signedSize) return
    this.#signedSize = size
    this.#signedAt = this.#parts.clock.monotonic()
    if (this.#inserted !== undefined) this.#parts.onSigned?.(this.#inserted)
  }

  async #insert(tx: StorageTransaction, of: { head: Head; root: Buffer; rotations: number }): Promise<void> {
    const { tenant, origin, keysAt, clock } = this.#parts
    const { head, root, rotations } = of
    const { size } = head
    const inForce = await keysAt(tx, head.stateRoot)
    const note = signCheckpoint({ origin, size, root }, ...inForce.slice(-1 - rotations))
    this.#insertedSize = size
    this.#inserted = { checkpoint: note, size, root: root.toString('hex') }
    await tx.insert('checkpoints', { tenant, size, note, createdAt: clock.now() })
  }
}
