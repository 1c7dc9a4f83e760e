/**
 * Somewhere outside of the database, and out of reach of whoever administers it, where checkpoints of the audit log are
 * kept: a witness, a file on another machine, object storage with a retention lock, a notary.
 *
 * Nothing waits for an anchor: an operation is done when its record is durable. What is offered while the last
 * publication runs, or too soon after it, waits; of what waits only the newest is kept, for it covers the others. What
 * failed is offered again with the next checkpoint, a second later at the earliest, then two, up to a minute.
 */
export interface AuditAnchor {
  /** What it is called in `ops.anchors()`: 1 to 64 of `A-Z a-z 0-9 . _ : / -`. Two anchors never share one. */
  readonly name: string
  /** Least time between two publications, in milliseconds. @defaultValue 60000 */
  readonly everyMs?: number | undefined
  /**
   * Keeps a checkpoint. Resolves when it is kept for good.
   *
   * @returns lines of cosignatures, which are then kept below the checkpoint; nothing, where there are none.
   * @throws {@link AnchorConflictError} where the anchor knows a log that this one did not grow out of, or a longer one;
   *   anything else for a failure.
   */
  publish(checkpoint: AnchoredCheckpoint, signal: AbortSignal): Promise<string | undefined>
  /**
   * The newest checkpoint that it keeps of a log: the signed note, or `undefined` where it keeps none. Asked when a tenant
   * is opened, about the log as it is then; one that is behind, or did not grow out of it, is refused with
   * `ROLLBACK_DETECTED`. An anchor without it is not asked.
   *
   * @throws {@link AnchorConflictError} where the anchor can tell by itself; anything else where it cannot answer.
   */
  latest?(log: AnchoredCheckpoint, signal: AbortSignal): Promise<string | undefined>
}

/** A checkpoint that is to be kept. */
export interface AnchoredCheckpoint {
  /** The signed note. */
  readonly checkpoint: string
  /** Its origin line. */
  readonly origin: string
  /** How many records the log has. */
  readonly size: number
  /** Root of the tree over them, in hex. */
  readonly root: string
  /** A proof that the log grew out of a smaller one: hashes in base64. Of size 0 it is empty. */
  growthSince(size: number): Promise<readonly string[]>
}

/** An anchor knows another log than the one that is stored here: somebody put back or exchanged a database. */
export class AnchorConflictError extends Error {
  /** Marks the class across copies of the package. */
  readonly isAnchorConflict = true
  /** Name of the class. */
  override readonly name: string = 'AnchorConflictError'
}

/** How an anchor is. */
export interface AnchorState {
  /** Its name. */
  readonly name: string
  /**
   * `conflict`: it knows another log, which is to be looked into at once; so it stays until it takes a checkpoint again.
   * `failing`: the last publication failed.
   */
  readonly state: 'idle' | 'publishing' | 'failing' | 'conflict'
  /** Size of the newest checkpoint that it keeps; 0 for none. */
  readonly size: number
  /** When it was kept, in milliseconds since 1970. */
  readonly anchoredAt?: number | undefined
  /** Whether a checkpoint waits for it. */
  readonly waiting: boolean
  /** How many publications have failed since the last that did not. */
  readonly failures: number
  /** Why the last one failed. */
  readonly problem?: string | undefined
}
