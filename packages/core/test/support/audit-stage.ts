import type { Batch, Committer } from '../../src/audit/committer.ts'
import type { Entry } from '../../src/audit/entry.ts'
import { Ledger } from '../../src/audit/ledger.ts'
import { StorageTamperedError } from '../../src/errors.ts'
import { StorageFailure } from '../../src/storage/errors.ts'
import { fakeClock, type FakeClock } from '../../src/testing.ts'
import { changeOf, namedUse, waiter } from './audit-entries.ts'
import { until, watch, type Watched } from './audit-world.ts'

const nameOf = (entry: Entry): string =>
  entry.kind === 'use'
    ? (entry.drafts[0]?.action as string)
    : (entry.refused(new StorageTamperedError(''))?.action as string)

/** A committer of which the test decides what becomes of each batch. */
export class Stage {
  readonly batches: string[][] = []
  readonly signals: AbortSignal[] = []
  /** What the next commits come to; without one, they succeed. */
  plan: ((names: string[], signal: AbortSignal) => Promise<void> | void)[] = []
  again: string[] = []
  #seq = 100

  async commit(entries: readonly Entry[], signal: AbortSignal): Promise<Batch> {
    const names = entries.map(nameOf)
    this.batches.push(names)
    this.signals.push(signal)
    await this.plan.shift()?.(names, signal)
    const seqs = new Map(
      entries.map((entry) => [entry, this.again.includes(nameOf(entry)) ? undefined : this.#seq++] as const),
    )
    return { seqs, refusals: new Map() } as unknown as Batch
  }
}

/** A ledger on such a committer. */
export class LedgerBench {
  readonly clock: FakeClock = fakeClock()
  readonly stage: Stage = new Stage()
  /** What timers were set: the deadline, and the pauses. */
  readonly delays: number[] = []
  /** How many timers are set. */
  timers = 0
  readonly ledger: Ledger

  constructor() {
    const { clock, delays } = this
    const after = (delayMs: number, callback: () => void): (() => void) => {
      delays.push(delayMs)
      this.timers += 1
      const over = (): void => void (this.timers -= 1)
      const stop = clock.after(delayMs, () => {
        over()
        callback()
      })
      return () => {
        over()
        stop()
      }
    }
    const timers = { turn: clock.turn.bind(clock), after }
    this.ledger = new Ledger({ committer: this.stage as unknown as Committer, clock, timers, deadlineMs: 1000 })
  }

  use(name: string, signal?: AbortSignal): Watched<unknown> {
    return watch(this.ledger.append(namedUse(name), waiter(signal)))
  }

  change(name: string): Watched<unknown> {
    return watch(this.ledger.append(changeOf(name), waiter()))
  }

  /** Lets pauses end until this holds. */
  async advanceUntil(holds: () => boolean): Promise<void> {
    await until(() => {
      if (!holds()) this.clock.advance(1)
      return holds()
    })
  }
}

/** Fails with this, whatever it is. */
export function fail(error: unknown): () => never {
  return () => {
    // oxlint-disable-next-line typescript/only-throw-error -- adapters may throw anything
    throw error
  }
}

/** What is over in a moment. */
export const transient: StorageFailure = new StorageFailure('busy', { transient: true, outcome: 'none' })
