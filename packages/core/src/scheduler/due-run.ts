import { isKmsError, type KmsError } from '../errors.ts'
import type { Run } from '../face/run.ts'
import type { Clock } from '../internal/clock.ts'
import type { Job } from '../keys/due.ts'
import { claimDue, claimsAtOnce } from '../operations/scheduled/claim-due.ts'
import type { DueItem } from '../operations/scheduled/due-item.ts'
import { dueOperations, irreversible } from '../operations/scheduled/jobs.ts'
import { listDue, type DuePlace } from '../operations/scheduled/list-due.ts'

/** Something that was done, or failed. */
export interface DueDeed {
  /** What it was. */
  readonly job: Job
  /** The key that it was done to. */
  readonly keyId: string
  /** The version that it was done to, where it was one. */
  readonly version: number | undefined
}

/** Something that failed: it is on record, and tried again later. */
export interface DueFailure extends DueDeed {
  /** Why. */
  readonly error: KmsError
}

/** What came of doing what is due. */
export interface DueReport {
  /** What was done, at most as much as was asked for. */
  readonly done: readonly DueDeed[]
  /** What failed; the rest was done all the same. */
  readonly failed: readonly DueFailure[]
  /** How much waits because it could not be undone, and the clock is in doubt. */
  readonly held: number
  /** Whether more is due. */
  readonly more: boolean
}

/** What a run works with. */
export interface DueRunParts {
  readonly run: Run
  readonly clock: Clock
  /** Who claims. */
  readonly holder: string
  readonly leaseMs: number
  readonly limit: number
  /** Looks at the clock, and says whether what cannot be undone waits. */
  readonly isClockInDoubt: () => Promise<boolean>
  readonly signal: AbortSignal | undefined
}

/** So many are done side by side, so that they share commits. */
const sideBySide = 16

/** One run through what is due: list, claim, do. */
export class DueRun {
  readonly #parts: DueRunParts
  readonly #done: DueDeed[] = []
  readonly #failed: DueFailure[] = []
  #held = 0
  #after: DuePlace | undefined
  #isLast = false

  constructor(parts: DueRunParts) {
    this.#parts = parts
  }

  /** @throws KmsError where nothing can be read or recorded, or the signal aborts */
  async through(): Promise<DueReport> {
    while (!this.#isLast && this.#room > 0) await this.#round()
    return { done: this.#done, failed: this.#failed, held: this.#held, more: !this.#isLast }
  }

  get #room(): number {
    return this.#parts.limit - this.#done.length - this.#failed.length
  }

  /** Lists a few, claims those that nobody else has claimed by then, and does them before the lease is over. */
  async #round(): Promise<void> {
    const { run, clock, signal, holder, leaseMs } = this.#parts
    const request = { limit: Math.min(claimsAtOnce, this.#room), after: this.#after }
    const { items: due, next } = await run.onward(listDue, request, { signal })
    this.#after = next
    this.#isLast = next === undefined
    // Asked when the list is there: a clock that was set before it was made is noticed before anything of it is done.
    const isInDoubt = await this.#parts.isClockInDoubt()
    const ready = due.filter(({ job }) => !(isInDoubt && irreversible.has(job)))
    this.#held += due.length - ready.length
    if (ready.length === 0) return
    const claim = { holder, leaseMs, items: ready.map(({ keyId, version, rev }) => ({ keyId, version, rev })) }
    const endsAt = clock.monotonic() + leaseMs
    const claimed = await run(claimDue, claim, { signal })
    const jobs = new Map(ready.map((item) => [nameOf(item), item.job]))
    const items = claimed.items.toSorted(versionsFirst)
    for (let at = 0; at < items.length; at += sideBySide) {
      // What is left when the lease is over is left to whoever comes next.
      if (clock.monotonic() >= endsAt) return
      const some = items.slice(at, at + sideBySide)
      await Promise.all(some.map(async (item) => this.#do(item, jobs.get(nameOf(item)) as Job)))
    }
  }

  async #do(item: DueItem, job: Job): Promise<void> {
    const { run, signal } = this.#parts
    const deed = { job, keyId: item.keyId, version: item.version === 0 ? undefined : item.version }
    try {
      while ((await run(dueOperations[job], item, { signal })).more) continue
      this.#done.push(deed)
    } catch (error) {
      if (!isKmsError(error) || isFatal(error)) throw error
      this.#failed.push({ ...deed, error })
    }
  }
}

/** What concerns everything alike ends the run; the claims run out by themselves. */
function isFatal({ code }: KmsError): boolean {
  return ['ABORTED', 'CLOSED', 'AUDIT_UNAVAILABLE', 'AUDIT_OVERLOADED', 'ROLLBACK_DETECTED'].includes(code)
}

/** What is due to versions is done before what is due to keys: a key that is destroyed takes along what is due to its versions. */
function versionsFirst(a: DueItem, b: DueItem): number {
  return Number(a.version === 0) - Number(b.version === 0)
}

function nameOf({ keyId, version }: Pick<DueItem, 'keyId' | 'version'>): string {
  return `${keyId}:${version}`
}
