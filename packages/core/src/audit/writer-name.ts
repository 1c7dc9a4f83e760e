import { equalBytes } from '../crypto/hash.ts'
import type { Randomness } from '../crypto/randomness.ts'
import { pause, type Timers } from '../internal/clock.ts'
import type { StorageAdapter } from '../storage/adapter.ts'
import type { Row } from '../storage/table.ts'

/** Time between two looks for a commit whose outcome is unknown. */
const retryMs = 5

/** What a writer works with. */
export interface WriterNameParts {
  readonly storage: StorageAdapter
  readonly tenant: string
  readonly timers: Timers
  readonly random: Randomness
}

/** The name under which this process writes records, by which it finds its own again. */
export class WriterName {
  readonly #parts: WriterNameParts
  #id: string
  #nextSeq = 0

  constructor(parts: WriterNameParts) {
    this.#parts = parts
    this.#id = parts.random.uuid()
  }

  /** Its name. */
  get id(): string {
    return this.#id
  }

  /** The number of its next record. */
  get nextSeq(): number {
    return this.#nextSeq
  }

  /** So many records were linked, whatever becomes of them. */
  linked(records: number): void {
    this.#nextSeq += records
  }

  /** What was linked from this number on was certainly not written: a record has the same number on every storage. */
  backTo(seq: number): void {
    this.#nextSeq = seq
  }

  /** Takes another name: somebody else has this one. */
  renew(): void {
    this.#id = this.#parts.random.uuid()
    this.#nextSeq = 0
  }

  /**
   * Whether these records of its own are in the chain, of which the first is looked for. Taking the lock waits for the old
   * transaction to die, so the answer is final. A record in its place with another hash means that this writer was cloned.
   *
   * @throws what the storage threw last, when `signal` aborts.
   */
  async hasWritten([first]: readonly Row[], signal: AbortSignal): Promise<boolean> {
    if (first === undefined) return true
    const { storage, tenant, timers } = this.#parts
    const prefix = [tenant, this.#id, first['writerSeq'] as number]
    for (;;) {
      try {
        const read = { index: 'by_writer', prefix, limit: 1 }
        const rows = await storage.transact(tenant, async (tx) => tx.range('records', read), { signal })
        const hash = rows.at(0)?.['hash']
        if (hash === undefined) return false
        if (equalBytes(first['hash'] as Uint8Array, hash as Uint8Array)) return true
        this.renew()
        return false
      } catch (error) {
        if (signal.aborted) throw error
        await pause(timers, retryMs)
      }
    }
  }
}
