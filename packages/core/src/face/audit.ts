import type { AnchorState } from '../audit/anchors/anchor.ts'
import type { ConsistencyProof, InclusionProof, LogVerifierKey, SignedCheckpoint } from '../audit/proofs.ts'
import { anchorAudit } from '../operations/anchor-audit.ts'
import { checkpointAudit } from '../operations/checkpoint-audit.ts'
import { getAuditVerifierKey } from '../operations/get-audit-verifier-key.ts'
import { findAudit, listAudit, type ListAuditRequest } from '../operations/list-audit.ts'
import { planPrune, type PruneRequest } from '../operations/plan-prune.ts'
import { pruneAudit } from '../operations/prune-audit.ts'
import { proveAuditConsistency, type ConsistencyProofRequest } from '../operations/prove-audit-consistency.ts'
import { proveAuditInclusion, type InclusionProofRequest } from '../operations/prove-audit-inclusion.ts'
import {
  rotateAuditKey,
  type RotateAuditKeyRequest,
  type RotateAuditKeyResult,
} from '../operations/rotate-audit-key.ts'
import { verifyAudit, type AuditVerification, type VerifyAuditRequest } from '../operations/verify-audit.ts'
import { InvalidRequestError } from '../errors.ts'
import type { CallOptions } from '../call.ts'
import type { AuditRecord } from '../runtime.ts'
import { exportSegments, exportTiles, type AuditExport, type AuditExportRequest } from './audit-export.ts'
import type { TilesExport, TilesExportRequest } from './audit-export.ts'
import type { Listing } from './listing.ts'
import { listing, type Run, type TailRequest } from './run.ts'
import { openTail } from './tail.ts'
import { requireObject } from './text.ts'

/** Which records to find: by an encryption context, an actor, or an owner. */
export type FindAuditRequest = ListAuditRequest & (Named<'context'> | Named<'actor'> | Named<'owner'>)

type Named<Name extends keyof ListAuditRequest> = {
  /** What is looked for. */
  readonly [Each in Name]: NonNullable<ListAuditRequest[Each]>
}

/** What was pruned. */
export interface AuditPruning {
  /** How many records went; 0 where there was nothing to prune. */
  readonly records: number
}

/** The audit log: `kms.audit`. Admins and auditors only. */
export class Audit {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    this.#run = run
  }

  /** Records, oldest first unless asked otherwise. Each is checked against its hash. @throws StorageTamperedError */
  list(request: ListAuditRequest = {}, options?: CallOptions): Listing<AuditRecord> {
    return listing(this.#run, listAudit, { request, options })
  }

  /**
   * Records that name all pairs of an encryption context, an actor or an owner: what was done with one customer's data,
   * say. Records hold keyed hashes of them, or may, which are computed again here. Looks at records one by one, but for those of a `keyId`.
   *
   * @throws InvalidRequestError without a pair to look for; StorageTamperedError
   */
  find(request: FindAuditRequest, options?: CallOptions): Listing<AuditRecord> {
    const asked: ListAuditRequest = requireObject(request, 'request')
    const isNamed = typeof asked.actor === 'string' || typeof asked.owner === 'string'
    if (!isNamed && Object.keys(requireObject(asked.context ?? {}, 'context')).length === 0) {
      throw new InvalidRequestError('find takes at least one pair of a context, an actor or an owner', [
        { path: 'context', message: 'empty' },
      ])
    }
    return listing(this.#run, findAudit, { request: asked, options })
  }

  /**
   * Records as they are made, by this process at once and by others within half a second. Ends by `break`, or with
   * `ABORTED` when the signal aborts. Opening it is recorded once; what it reads is authorized anew every time.
   */
  async *tail(request: TailRequest = {}, options: CallOptions = {}): AsyncGenerator<AuditRecord, void, undefined> {
    const { house } = this.#run
    if (!house.isHere) return yield* house.tail(request, options)
    yield* await openTail(this.#run, house, { request, options })
  }

  /**
   * Reads the log from the beginning and checks every record, link, column and checkpoint, and the head, then that the
   * rows of the state are those of the tree that the head names. Streams: its memory grows with neither. Answers, with `recorded: false`, even where that cannot be recorded.
   */
  async verify(request: VerifyAuditRequest = {}, options: CallOptions = {}): Promise<AuditVerification> {
    const { signal } = requireObject(options, 'options')
    return this.#run(verifyAudit, { signal, ...requireObject(request, 'request') }, options)
  }

  /** Signs the log as it is. Keep what comes: a log that was cut, put back or exchanged does not grow out of it. */
  async checkpoint(options?: CallOptions): Promise<SignedCheckpoint> {
    return this.#run(checkpointAudit, {}, options)
  }

  /**
   * Signs the log as it is, brings the checkpoint to every anchor, and waits for them; for admins. Anchors get checkpoints
   * by themselves too, now and then: this is for the moment when it matters. What fails is said in the states.
   */
  async anchor(options?: CallOptions): Promise<readonly AnchorState[]> {
    return this.#run(anchorAudit, {}, options)
  }

  /**
   * Proves that a record stands in the log, with a number of hashes that grows with the logarithm of its length.
   *
   * @throws InvalidRequestError where there is no such record or checkpoint; StorageTamperedError
   * @example
   * ```ts
   * import type { Kms } from '@chatelaine/core'
   * import { verifyProof } from '@chatelaine/core/verify'
   *
   * const prove = async (kms: Kms, seq: number, key: string): Promise<boolean> => {
   *   const { proof, record } = await kms.audit.inclusionProof({ seq })
   *   return record !== undefined && verifyProof({ proof, record, keys: [key] }).ok
   * }
   * ```
   */
  async inclusionProof(request: InclusionProofRequest, options?: CallOptions): Promise<InclusionProof> {
    return this.#run(proveAuditInclusion, request, options)
  }

  /**
   * Proves that the log only grew since it had a size: nothing that a checkpoint of then covers was changed.
   *
   * @throws InvalidRequestError where there are no such sizes; StorageTamperedError
   */
  async consistencyProof(request: ConsistencyProofRequest, options?: CallOptions): Promise<ConsistencyProof> {
    return this.#run(proveAuditConsistency, request, options)
  }

  /** The key that checkpoints are verified with. Note it where the database's administrator cannot write. */
  async verifierKey(options?: CallOptions): Promise<LogVerifierKey> {
    return this.#run(getAuditVerifierKey, {}, options)
  }

  /**
   * Puts another key in force for checkpoints; admins only. The old key vouches for it: whoever follows the log needs no
   * other word. A checkpoint that only the old key signs is worth nothing from then on.
   */
  async rotateKey(request: RotateAuditKeyRequest = {}, options?: CallOptions): Promise<RotateAuditKeyResult> {
    return this.#run(rotateAuditKey, request, options)
  }

  /**
   * Removes records before a place, for admins: at most as far as an anchor keeps a checkpoint, so that nobody can use it
   * to hide anything. Export them first. Their hashes and record 0 stay: what is left verifies, and so do proofs, and
   * exports of what is gone. That it was done is recorded, and remembered in the state; the records go shortly after.
   *
   * @throws ConflictError where no checkpoint of as many records is anchored, or somebody else pruned at the same time.
   */
  async prune(request: PruneRequest = {}, options?: CallOptions): Promise<AuditPruning> {
    const plan = await this.#run.onward(planPrune, request, options)
    if (plan === undefined) return { records: 0 }
    const { from, to } = await this.#run(pruneAudit, plan, options)
    return { records: to - from }
  }

  /**
   * Exports records into a folder or a stream, to be verified without database and root key: by `chatelaine verify` of
   * `@chatelaine/cli`, or `verifyExport` of `@chatelaine/core/verify`. A folder gets segments of JSON Lines in
   * `segments/`; each ends in a signed checkpoint. Recorded once.
   *
   * @throws InvalidRequestError where the log has no such records; ConflictError where they are pruned meanwhile;
   *   StorageTamperedError where they are not those that its head is of. Nothing of the last segment is left behind then.
   *   Whatever writing throws.
   * @example
   * ```ts
   * import type { Kms } from '@chatelaine/core'
   *
   * const keep = async (kms: Kms): Promise<number> => {
   *   const { to } = await kms.audit.export({ dir: '/mnt/archive/kms' })
   *   return to
   * }
   * ```
   */
  async export(request: AuditExportRequest, options?: CallOptions): Promise<AuditExport> {
    return exportSegments({ run: this.#run, options }, requireObject(request, 'request'))
  }

  /**
   * Exports the log in the layout of C2SP tlog-tiles, `checkpoint`, `tile/…` and `tile/entries/…`, so that tools for
   * transparency logs verify it. What a folder has already stays as it is. Recorded once.
   *
   * @throws StorageTamperedError; whatever writing throws.
   */
  async exportTiles(request: TilesExportRequest, options?: CallOptions): Promise<TilesExport> {
    return exportTiles({ run: this.#run, options }, requireObject(request, 'request'))
  }
}
