import type { Clock, Timers } from '../../internal/clock.ts'
import type { StorageAdapter, StorageReader } from '../../storage/adapter.ts'
import type { Proofs, SignedCheckpoint } from '../proofs.ts'
import type { AnchorState, AuditAnchor } from './anchor.ts'
import { readAnchored, rememberAnchored, type AnchoredKeys } from './anchored.ts'
import { Lane, type Offered } from './lane.ts'

/** What anchoring works with. */
export interface AnchoringParts {
  readonly tenant: string
  readonly origin: string
  readonly anchors: readonly AuditAnchor[]
  readonly proofs: Proofs
  readonly storage: StorageAdapter
  readonly keys: AnchoredKeys
  readonly clock: Clock
  readonly timers: Timers
}

/** Brings checkpoints to anchors, each on a lane of its own, and remembers what they keep. */
export class Anchoring {
  readonly #parts: AnchoringParts
  readonly #lanes: readonly Lane[]

  constructor(parts: AnchoringParts) {
    const { clock, timers } = parts
    this.#parts = parts
    this.#lanes = parts.anchors.map(
      (anchor) =>
        new Lane(anchor, {
          clock,
          timers,
          remember: async (name, offered, lines) => this.#remember(name, offered, lines),
        }),
    )
  }

  /** Recalls what anchors have kept before. */
  async recall(reader: StorageReader): Promise<void> {
    if (this.#lanes.length === 0) return
    for (const { anchor, size, anchoredAt } of await readAnchored(reader, this.#parts.tenant, this.#parts.keys)) {
      this.#lanes.find(({ name }) => name === anchor)?.recall(size, anchoredAt)
    }
  }

  /** How the anchors are. */
  get states(): readonly AnchorState[] {
    return this.#lanes.map(({ state }) => state)
  }

  /** The log as it is, signed, as anchors are told of it. */
  async current(): Promise<Offered> {
    return this.#offered(await this.#parts.proofs.checkpoint())
  }

  /** Offers a checkpoint that is durable. Nobody waits. */
  offer(signed: SignedCheckpoint): void {
    if (this.#lanes.length === 0) return
    const offered = this.#offered(signed)
    for (const lane of this.#lanes) lane.offer(offered)
  }

  /** Signs the log as it is, brings it to every anchor, and waits: for as long as an anchor may take, and no longer. */
  async publish(): Promise<readonly AnchorState[]> {
    if (this.#lanes.length === 0) return []
    const offered = await this.current()
    await Promise.all(this.#lanes.map(async (lane) => lane.publish(offered)))
    return this.states
  }

  #offered({ checkpoint, size, root }: SignedCheckpoint): Offered {
    const { origin, proofs } = this.#parts
    return { checkpoint, origin, size, root, growthSince: async (from) => proofs.growth(from, { size, root }) }
  }

  async #remember(anchor: string, { checkpoint, size }: Offered, cosignatures: string): Promise<number> {
    const { tenant, storage, keys, clock } = this.#parts
    const anchored = { tenant, anchor, size, note: checkpoint + cosignatures, anchoredAt: clock.now() }
    // A crash before this leaves a checkpoint that the anchor keeps, and nobody here knows of: it is published again.
    await storage.transact(tenant, async (tx) => rememberAnchored(tx, anchored, keys))
    return anchored.anchoredAt
  }
}
