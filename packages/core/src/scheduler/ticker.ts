import type { Clock, Timers } from '../internal/clock.ts'
import type { Timetable } from './timetable.ts'

/** What is done by a timetable. */
export interface Ticking {
  readonly times: Timetable
  /** Whether it is also called when it begins: without a moment. @defaultValue false */
  readonly isAtOnce?: true | undefined
  /** Called with the moment of the timetable that has come: the last one, where several were missed. Never throws. */
  readonly tick: (at: number | undefined, signal: AbortSignal) => Promise<void>
}

/** The clock is looked at so often at least: it may be set, or the machine may sleep. */
const longestWaitMs = 60_000

/** Does something by a timetable, one after the other, until it is stopped. It does not keep a process alive. */
export class Ticker {
  readonly #ticking: Ticking
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #stopping = new AbortController()
  #next: number | undefined
  #cancel: () => void = () => undefined
  #running: Promise<void> = Promise.resolve()

  constructor(ticking: Ticking, clock: Clock, timers: Timers) {
    this.#ticking = ticking
    this.#clock = clock
    this.#timers = timers
    this.#next = ticking.times.after(clock.now())
    if (ticking.isAtOnce === true) this.#running = this.#tick(undefined)
    else this.#wait()
  }

  /** Stops what is running, and waits for it. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#cancel()
    await this.#running
  }

  #wait(): void {
    if (this.#next === undefined || this.#stopping.signal.aborted) return
    const delay = Math.min(longestWaitMs, Math.max(0, this.#next - this.#clock.now()))
    const look = (): void => {
      this.#running = this.#look()
    }
    const timers = this.#timers
    this.#cancel = timers.inBackground?.(delay, look) ?? timers.after(delay, look)
  }

  async #look(): Promise<void> {
    const at = this.#passed()
    if (at === undefined) this.#wait()
    else await this.#tick(at)
  }

  async #tick(at: number | undefined): Promise<void> {
    await this.#ticking.tick(at, this.#stopping.signal)
    this.#wait()
  }

  /** The last moment that has come since the clock was last looked at: what was missed before it is not made up for. */
  #passed(): number | undefined {
    const now = this.#clock.now()
    const { times } = this.#ticking
    const first = this.#next
    // A clock that was set back has moments before it again that were far away.
    this.#next = times.after(now)
    return first === undefined || first > now ? undefined : lastMoment(times, first, now)
  }
}

/** The last moment until now, of which there is a first: in as many steps as the time between them has bits. */
function lastMoment(times: Timetable, first: number, now: number): number {
  let last = first
  let none = now
  while (last < none) {
    const middle = Math.floor((last + none) / 2)
    const next = times.after(middle)
    if (next !== undefined && next <= now) last = next
    else none = middle
  }
  return last
}
