import { readAnchored, type AnchoredKeys } from '../audit/anchors/anchored.ts'
import { readCheckpoint } from '../audit/checkpoint.ts'
import { goesOnFrom } from '../audit/growth.ts'
import type { Ledger } from '../audit/ledger.ts'
import type { BatchCompanion, LinkedBatch } from '../audit/companion.ts'
import type { LiveView } from '../audit/live-view.ts'
import { parseNote } from '../audit/note.ts'
import type { Proofs, PrunePlan } from '../audit/proofs.ts'
import { prunedLog, sweepTile } from '../audit/pruned.ts'
import { ConflictError } from '../errors.ts'
import { pruneAudit } from '../operations/prune-audit.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Actor } from '../stages.ts'
import type { StorageAdapter } from '../storage/adapter.ts'

/** What retention works with. */
export interface RetentionParts {
  readonly tenant: string
  readonly storage: StorageAdapter
  readonly view: LiveView
  readonly proofs: Proofs
  readonly keys: AnchoredKeys
  /** How many records the log has, as far as this process has seen. */
  readonly size: () => number
  /** How many records the storage wants to keep, where it wants to forget the others by itself. */
  readonly keepRecords: number | undefined
}

/** Decides how far a log may be pruned, and removes what was. */
export class Retention implements BatchCompanion {
  readonly #parts: RetentionParts
  #sweeping: Promise<void> | undefined
  #swept = 0

  constructor(parts: RetentionParts) {
    this.#parts = parts
  }

  /**
   * What the log comes to where it is to be pruned: at most as far as an anchor keeps a checkpoint. The last record stays.
   *
   * @throws ConflictError where no checkpoint of as many records is anchored.
   */
  async plan(upTo: number | undefined): Promise<PrunePlan | undefined> {
    const { view, keepRecords } = this.#parts
    const size = await view.snapshot(async (_, head) => head.size)
    const anchored = keepRecords === undefined ? await this.#anchored() : size
    if (anchored === 0) throw new ConflictError('no checkpoint of the audit log is anchored')
    if (upTo !== undefined && upTo > anchored) {
      throw new ConflictError(`the newest anchored checkpoint is of ${anchored} records`)
    }
    const end = Math.min(upTo ?? anchored, size - 1)
    return end <= (await this.pruned()) ? undefined : this.#parts.proofs.prunePlan(end)
  }

  /** What is pruned takes nothing with a batch. */
  async write(): Promise<void> {}

  /** What a batch has pruned goes now. Nobody waits. */
  committed({ chain }: LinkedBatch): void {
    const isPruned = chain.drafts.some(({ action, status }) => action === pruneAudit.action && status === 'SUCCESS')
    if (isPruned) void this.sweep().catch(() => undefined)
  }

  /** How many records were pruned. */
  async pruned(): Promise<number> {
    return (await this.#parts.view.read(prunedLog))?.size ?? 0
  }

  /** How far a storage that forgets by itself would have the log pruned by now; `undefined` for not yet. */
  async overdue(): Promise<number | undefined> {
    const { keepRecords } = this.#parts
    if (keepRecords === undefined) return undefined
    const size = this.#parts.size()
    // In steps of a quarter, so that a record for each prune is no news.
    const slack = Math.max(256, Math.ceil(keepRecords / 4))
    return size - (await this.pruned()) >= keepRecords + slack ? size - keepRecords : undefined
  }

  /**
   * Removes the records that were pruned, a tile at a time, each in a transaction of its own. What a crash leaves of
   * them counts for nothing, and goes when the log is pruned again.
   */
  async sweep(): Promise<void> {
    this.#sweeping ??= this.#sweepAll().finally(() => {
      this.#sweeping = undefined
    })
    return this.#sweeping
  }

  /** Resolves when no sweep is under way. What it failed by is not for whoever closes. */
  async whenSwept(): Promise<void> {
    await this.#sweeping?.catch(() => undefined)
  }

  async #sweepAll(): Promise<void> {
    const { storage, tenant } = this.#parts
    for (let size = await this.pruned(); size > this.#swept; size = await this.pruned()) {
      const to = size
      while (await storage.transact(tenant, async (tx) => sweepTile(tx, tenant, to)));
      this.#swept = to
    }
  }

  /** As far as an anchor keeps a checkpoint of this log: one of another, which this was once put in the place of, is none. */
  async #anchored(): Promise<number> {
    const { view, tenant, keys } = this.#parts
    return view.snapshot(async (reader, head) => {
      const sizes = [0]
      for (const { note, size } of await readAnchored(reader, tenant, keys)) {
        const parsed = parseNote(note)
        const root = parsed === undefined ? undefined : readCheckpoint(parsed)?.root
        const isOurs = root !== undefined && size <= head.size && (await goesOnFrom(reader, { size, root }, head))
        if (isOurs) sizes.push(size)
      }
      return Math.max(...sizes)
    })
  }
}

/** Prunes after a batch what a storage wants to forget by itself. */
export function trimBehind(ledger: Ledger, pipeline: Pipeline, retention: Retention): void {
  let isRunning = false
  const trim = async (): Promise<void> => {
    const plan = await retention.plan(await retention.overdue())
    if (plan !== undefined) await pipeline.run(pruneAudit, plan, { actor: caretaker, options: undefined })
  }
  ledger.onCommit(() => {
    if (isRunning) return
    isRunning = true
    // What does not succeed now is tried again after the next batch.
    void trimIfOverdue(retention, trim).finally(() => {
      isRunning = false
    })
  })
}

async function trimIfOverdue(retention: Retention, trim: () => Promise<void>): Promise<void> {
  try {
    if ((await retention.overdue()) !== undefined) await trim()
  } catch {
    // The log is as long as it is.
  }
}

/** Who prunes where nobody asked. */
const caretaker: Actor = Object.freeze({ id: 'chatelaine', role: 'admin' })
