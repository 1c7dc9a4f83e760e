import { AbortedError, AuditOverloadedError, AuditUnavailableError, type KmsError } from '../errors.ts'
import type { Clock, Timers } from '../internal/clock.ts'
import { limits } from '../internal/defaults.ts'
import type { Recorded } from '../stages.ts'
import type { Entry } from './entry.ts'
import { draftBytes } from './record.ts'

/** What became of an entry: its proof, or the word that it must be done again in the new state. */
export type Outcome = Recorded | 'again'

/** An entry on its way, until it is settled: by its record, its deadline, or its caller's abort. */
export interface Pending {
  readonly entry: Entry
  readonly records: number
  readonly recordBytes: number
  readonly resultBytes: number
  readonly deadlineAt: number
  /** Whether it is part of an attempt whose outcome is not known yet. */
  inFlight: boolean
  settled: boolean
  /** Called once it is settled. */
  whenSettled: (() => void) | undefined
  settle(outcome: Outcome | KmsError): void
}

/** Who waits for a record. */
export interface Waiter {
  readonly signal: AbortSignal | undefined
  /** When its patience ends, by the monotonic clock: set when it first waits, and kept if it has to wait again. */
  readonly deadline: { at?: number | undefined }
}

/** The bounded queue before the ledger, with a deadline on every wait. */
export class Queue {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #deadlineMs: number
  #size = 0
  #waiting: Pending[] = []
  /** Taken, and perhaps settled by now. Not a set: as it empties and fills, its old tables keep all that it ever held. */
  #taken: Pending[] = []
  #records = 0
  #recordBytes = 0
  #resultBytes = 0
  #armedFor = Infinity
  #empty: PromiseWithResolvers<void> | undefined
  #stopTimer: (() => void) | undefined

  constructor(clock: Clock, timers: Timers, deadlineMs: number) {
    this.#clock = clock
    this.#timers = timers
    this.#deadlineMs = deadlineMs
  }

  /** Entries that are not settled. */
  get size(): number {
    return this.#size
  }

  /** For how long the first of them has waited. */
  get lagMs(): number {
    const first = this.#taken.find(isOpen) ?? this.#waiting.find(isOpen)
    return first === undefined ? 0 : this.#clock.monotonic() + this.#deadlineMs - first.deadlineAt
  }

  /** Whether something waits to be taken. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Takes an entry in. @throws AuditOverloadedError, AbortedError */
  add(entry: Entry, { signal, deadline }: Waiter): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const { records, recordBytes, resultBytes } = this.#roomFor(entry)
      if (signal?.aborted === true) throw aborted(signal)
      deadline.at ??= this.#clock.monotonic() + this.#deadlineMs
      const settle = (outcome: Outcome | KmsError): void => {
        if (!this.#release(pending)) return
        signal?.removeEventListener('abort', abort)
        pending.whenSettled?.()
        if (outcome instanceof Error) reject(outcome)
        else resolve(outcome)
      }
      const abort = (): void => settle(aborted(signal))
      const pending: Pending = {
        entry,
        records,
        recordBytes,
        resultBytes,
        deadlineAt: deadline.at,
        inFlight: false,
        settled: false,
        whenSettled: undefined,
        settle,
      }
      signal?.addEventListener('abort', abort)
      this.#admit(pending)
    })
  }

  /** The next batch. */
  take(): Pending[] {
    const batch: Pending[] = []
    let records = 0
    while (this.#waiting.length > batch.length) {
      const next = this.#waiting[batch.length] as Pending
      if (batch.length > 0 && records + next.records > limits.batchRecords) break
      records += next.records
      batch.push(next)
    }
    this.#waiting = this.#waiting.slice(batch.length)
    const open = batch.filter(isOpen)
    this.#taken = [...this.#taken.filter(isOpen), ...open]
    return open
  }

  /** What an entry takes of each bound. @throws AuditOverloadedError where that is not left */
  #roomFor(entry: Entry): Pick<Pending, 'records' | 'recordBytes' | 'resultBytes'> {
    const drafts = entry.kind === 'use' ? entry.drafts : []
    const records = Math.max(1, drafts.length)
    let recordBytes = 0
    for (const draft of drafts) recordBytes += draftBytes(draft)
    const resultBytes = entry.kind === 'use' ? entry.resultBytes : 0
    if (
      this.#records + records > limits.queuedRecords ||
      this.#recordBytes + recordBytes > limits.queuedRecordBytes ||
      this.#resultBytes + resultBytes > limits.queuedResultBytes
    ) {
      throw new AuditOverloadedError('too many operations wait for their records')
    }
    return { records, recordBytes, resultBytes }
  }

  #admit(pending: Pending): void {
    this.#size += 1
    // While nothing is taken, what is settled by its deadline must not pile up.
    if (this.#waiting.length > 2 * this.#size + limits.batchRecords) {
      this.#waiting = this.#waiting.filter(isOpen)
    }
    this.#waiting.push(pending)
    this.#records += pending.records
    this.#recordBytes += pending.recordBytes
    this.#resultBytes += pending.resultBytes
    this.#arm(pending.deadlineAt)
  }

  #release(pending: Pending): boolean {
    if (pending.settled) return false
    pending.settled = true
    this.#size -= 1
    this.#records -= pending.records
    this.#recordBytes -= pending.recordBytes
    this.#resultBytes -= pending.resultBytes
    if (this.#size === 0) this.#becameEmpty()
    return true
  }

  /** One timer for all: set for the earliest deadline, or an earlier one that was settled in time. */
  #arm(deadlineAt: number): void {
    if (deadlineAt >= this.#armedFor) return
    this.#stopTimer?.()
    this.#armedFor = deadlineAt
    const delay = Math.max(0, Math.ceil(deadlineAt - this.#clock.monotonic()))
    this.#stopTimer = this.#timers.after(delay, () => this.#expire())
  }

  /** Resolves when everything that was taken in is settled. */
  async whenEmpty(): Promise<void> {
    if (this.#size === 0) return
    this.#empty ??= Promise.withResolvers<void>()
    await this.#empty.promise
  }

  #becameEmpty(): void {
    this.#taken = []
    this.#disarm()
    this.#empty?.resolve()
    this.#empty = undefined
  }

  #disarm(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    this.#armedFor = Infinity
  }

  #expire(): void {
    this.#disarm()
    const now = this.#clock.monotonic()
    let next = Infinity
    for (const pending of [...this.#taken, ...this.#waiting].filter(isOpen)) {
      if (pending.deadlineAt <= now) pending.settle(expired(pending))
      else next = Math.min(next, pending.deadlineAt)
    }
    this.#arm(next)
  }
}

function isOpen({ settled }: Pending): boolean {
  return !settled
}

function expired(pending: Pending): AuditUnavailableError {
  const outcome = pending.inFlight ? 'unknown' : 'none'
  return new AuditUnavailableError('the audit record was not durable before the deadline', outcome)
}

/** The error of an operation whose signal aborted. */
export function aborted(signal: AbortSignal | undefined): AbortedError {
  return new AbortedError('the operation was aborted', { cause: signal?.reason })
}
