import { aborted } from '../audit/queue.ts'
import { listAudit, type ListAuditRequest } from '../operations/list-audit.ts'
import { verifyAudit, type AuditVerification, type VerifyAuditRequest } from '../operations/verify-audit.ts'
import type { CallOptions } from '../call.ts'
import type { AuditRecord } from '../runtime.ts'
import type { Listing } from './listing.ts'
import { listing, type Run } from './run.ts'
import { requireObject } from './text.ts'

/** Which records to follow. */
export interface TailRequest {
  /** Begin with this `seq`. @defaultValue the next record */
  readonly from?: number | undefined
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
   * Records as they are made, by this process at once and by others within half a second. Ends by `break`, or with
   * `ABORTED` when the signal aborts. Opening it is recorded once; what it reads is authorized anew every time.
   */
  async *tail(request: TailRequest = {}, options: CallOptions = {}): AsyncGenerator<AuditRecord, void, undefined> {
    const { signal } = requireObject(options, 'options')
    let from = await this.#start(request, options)
    for (;;) {
      // Asked for before reading, so that a commit in between is not missed.
      const woken = this.#run.nextCommit(signal)
      const page = await this.#run.onward(listAudit, { from, limit: 500 }, options)
      for (const record of page.items) {
        from = record.seq + 1
        yield record
      }
      if (signal?.aborted === true) throw aborted(signal)
      if (page.cursor === undefined) await woken
    }
  }

  /** Opens a tail, which is recorded, and says where it begins. */
  async #start(request: TailRequest, options: CallOptions): Promise<number> {
    const asked = requireObject(request, 'request')
    const { items } = await this.#run(listAudit, { ...asked, order: 'desc', limit: 1 }, options)
    return asked.from ?? (items[0]?.seq ?? -1) + 1
  }

  /**
   * Reads the log from the beginning and checks every record, link, column and checkpoint, and the head. Streams: its
   * memory does not grow with the log. Answers, with `recorded: false`, even where that cannot be recorded.
   */
  async verify(request: VerifyAuditRequest = {}, options: CallOptions = {}): Promise<AuditVerification> {
    const { signal } = requireObject(options, 'options')
    return this.#run(verifyAudit, { signal, ...requireObject(request, 'request') }, options)
  }
}
