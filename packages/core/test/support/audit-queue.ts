import { Queue, type Pending, type Waiter } from '../../src/audit/queue.ts'
import type { Entry } from '../../src/audit/entry.ts'
import type { Recorded } from '../../src/stages.ts'
import { fakeClock, type FakeClock } from '../../src/testing.ts'
import { useOf, waiter } from './audit-entries.ts'
import { watch, type Watched } from './audit-world.ts'

/** A queue in the time of the test, with a deadline of a second. */
export class QueueBench {
  readonly clock: FakeClock = fakeClock()
  /** How many timers are set. */
  timers = 0
  queue: Queue

  constructor() {
    const { clock } = this
    const after = (delayMs: number, callback: () => void): (() => void) => {
      this.timers += 1
      const stop = clock.after(delayMs, callback)
      return () => {
        this.timers -= 1
        stop()
      }
    }
    this.queue = new Queue(clock, { turn: clock.turn.bind(clock), after }, 1000)
  }

  add(entry: Entry = useOf(), who: Waiter = waiter()): Watched<unknown> {
    return watch(this.queue.add(entry, who))
  }

  many(count: number, entry: Entry = useOf()): Watched<unknown>[] {
    return Array.from({ length: count }, () => this.add(entry))
  }
}

/** Some proof. */
export const done = { seq: 1 } as Recorded

/** Settles all of a batch. */
export function settleAll(batch: readonly Pending[]): void {
  for (const pending of batch) pending.settle(done)
}
