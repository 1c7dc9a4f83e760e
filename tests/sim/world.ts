import type { Clock, Timers } from '@chatelaine/core/testing'
import { createHash } from 'node:crypto'
import { numbers } from '../processes/plan.ts'

const { setImmediate: immediately } = globalThis
const start = Date.UTC(2026, 0, 1)

/** What events belong to. Once it is over, none of them happens any more: so ends a process that is killed. */
export class Life {
  #isOver = false
  readonly #ends: (() => void)[] = []

  get isOver(): boolean {
    return this.#isOver
  }

  /** Calls back when it ends. */
  onEnd(callback: () => void): void {
    this.#ends.push(callback)
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const callback of this.#ends.splice(0)) callback()
  }
}

interface Event {
  readonly life: Life
  readonly label: string
  readonly happen: () => void
}

/** How a run ends that has nothing more to do, or too much. */
export class Stuck extends Error {}

/**
 * Time, chance and order of everything that happens in a simulation. One event happens at a time; all that it sets off
 * at once has happened before the next; and which comes next is drawn from the seed. So the same seed is the same run.
 */
export class World {
  /** Numbers from 0 up to, not including, 1. */
  readonly random: () => number
  /** What no crash ends: the network, the disk, and whoever watches. */
  readonly outside: Life = new Life()
  #time = 0
  #moments = 0
  #steps = 0
  #ready: Event[] = []
  #timers: (Event & { readonly at: number })[] = []
  readonly #trace = createHash('sha256')

  constructor(seed: number) {
    this.random = numbers(seed)
  }

  /** Milliseconds since the beginning. */
  get time(): number {
    return this.#time
  }

  /** By the wall clock. */
  get now(): number {
    return start + this.#time
  }

  /** How many events there were. */
  get steps(): number {
    return this.#steps
  }

  /** A number greater than any before. */
  moment(): bigint {
    this.#moments += 1
    return BigInt(this.#moments)
  }

  /** Whether something happens that does so with this probability. */
  chance(probability: number): boolean {
    return probability > 0 && this.random() < probability
  }

  /** An integer from 0 up to, not including, `below`. */
  upTo(below: number): number {
    return Math.floor(this.random() * below)
  }

  /** One of these. */
  pick<T>(from: readonly T[]): T {
    return from[this.upTo(from.length)] as T
  }

  /** Adds to what a run is compared by. */
  note(text: string): void {
    this.#trace.update(text).update('\n')
  }

  /** A digest of everything that happened, in its order. Ends the run. */
  digest(): string {
    return this.#trace.digest('hex')
  }

  /** Lets something happen among what is ready. */
  soon(life: Life, label: string, happen: () => void): void {
    this.#ready.push({ life, label, happen })
  }

  /** Lets something happen later. Gives how to cancel. */
  after(life: Life, { delayMs, label }: { delayMs: number; label: string }, happen: () => void): () => void {
    const timer = { life, label, happen, at: this.#time + Math.max(0, Math.ceil(delayMs)) }
    this.#timers.push(timer)
    return () => {
      const at = this.#timers.indexOf(timer)
      if (at >= 0) this.#timers.splice(at, 1)
    }
  }

  /** Resolves after so many milliseconds; never, if the life ends before. */
  async wait(life: Life, delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(life, { delayMs, label: 'wait' }, resolve))
  }

  /** The timers of a process. */
  timers(life: Life): Timers {
    return {
      after: (delayMs, callback) => this.after(life, { delayMs, label: 'timer' }, callback),
      turn: async () => new Promise((resolve) => this.soon(life, 'turn', resolve)),
    }
  }

  /** The clock of a process, which may go wrong by some milliseconds. */
  clock(skewMs: number): Clock {
    return { now: () => this.now + skewMs, monotonic: () => this.#time }
  }

  /**
   * Lets things happen until this holds. In weather that leaves one opening in some hundreds its deadline, it takes tens of
   * thousands of steps until two processes are open. @throws Stuck
   */
  async until(holds: () => boolean, most = 200_000): Promise<void> {
    const last = this.#steps + most
    for (await drained(); !holds(); await drained()) {
      if (this.#steps > last) throw new Stuck('there is no end to it')
      this.#step()
    }
  }

  /** What some work comes to, while everything goes on. */
  async settled<T>(work: Promise<T>): Promise<T> {
    let isSettled = false
    const watched = work.finally(() => (isSettled = true))
    watched.catch(() => undefined)
    await this.until(() => isSettled)
    return watched
  }

  #step(): void {
    // Time passes while there is something to do, too.
    if (this.#ready.length === 0) this.#advance(Math.min(...this.#timers.map(({ at }) => at)))
    else if (this.chance(0.05)) this.#advance(this.#time + 1 + this.upTo(3))
    if (this.#ready.length === 0) return
    const [event] = this.#ready.splice(this.upTo(this.#ready.length), 1) as [Event]
    if (event.life.isOver) return
    this.#steps += 1
    this.note(`${this.#time} ${event.label}`)
    event.happen()
  }

  #advance(to: number): void {
    if (to === Infinity) throw new Stuck('nothing is left that could happen')
    this.#time = Math.max(this.#time, to)
    const due = this.#timers.filter(({ at }) => at <= this.#time)
    this.#timers = this.#timers.filter(({ at, life }) => at > this.#time && !life.isOver)
    this.#ready.push(...due)
  }
}

/** Resolves when everything that follows at once from the last event has happened. */
async function drained(): Promise<void> {
  return new Promise((resolve) => void immediately(resolve))
}
