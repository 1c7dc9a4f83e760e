import { StorageFailure } from '@chatelaine/core/storage'
import type { World } from './world.ts'

/** What happens to a call: it fails before or after its work, or is never answered. */
export type CallFate = 'well' | 'before' | 'after' | 'hang'

/**
 * What happens to a transaction:
 *
 * - `refused`: it fails before it begins.
 * - `lost`: its commit never arrives, and nobody knows.
 * - `applied`: it is committed, and nobody knows.
 * - `in-flight`: its caller learns that the outcome is unknown while the commit is still on its way, or its end.
 * - `stalled`: the commit does not begin until the caller gives up.
 * - `straggling`: the same, but giving up comes too late: it is committed, or not, a while after that.
 * - `silent`: it is committed, and there is no answer until the caller gives up.
 * - `ahead`: its commit is sent along with what it has asked for last, and the answers to that are lost with its own.
 */
export type TransactionFate =
  | 'well'
  | 'refused'
  | 'lost'
  | 'applied'
  | 'in-flight'
  | 'stalled'
  | 'straggling'
  | 'silent'
  | 'ahead'

const fates: readonly TransactionFate[] = [
  'refused',
  'lost',
  'applied',
  'in-flight',
  'in-flight',
  'stalled',
  'straggling',
  'silent',
  'ahead',
  'ahead',
]

/** How probable what is, for each call. */
interface Climate {
  readonly call: number
  readonly hang: number
  readonly transaction: number
  readonly crash: number
  readonly delay: number
  readonly longestMs: number
}

const calm: Climate = { call: 0, hang: 0, transaction: 0, crash: 0, delay: 0.1, longestMs: 5 }
const climates: readonly Climate[] = [
  { ...calm, delay: 0.5, longestMs: 60 },
  { ...calm, crash: 0.004 },
  { ...calm, transaction: 0.15 },
  { ...calm, call: 0.02, hang: 0.1 },
  { call: 0.01, hang: 0.1, transaction: 0.05, crash: 0.001, delay: 0.3, longestMs: 40 },
  { call: 0.03, hang: 0.2, transaction: 0.2, crash: 0.003, delay: 0.2, longestMs: 200 },
  { call: 0.005, hang: 0.02, transaction: 0.3, crash: 0.01, delay: 0.05, longestMs: 2000 },
]

/** Decides from the seed what goes wrong. Each seed has a climate of its own. */
export class Weather {
  /** How often what went wrong. */
  readonly counts: Record<string, number> = {}
  readonly #world: World
  #climate: Climate

  constructor(world: World) {
    this.#world = world
    this.#climate = world.pick(climates)
  }

  /** Nothing goes wrong any more. */
  clear(): void {
    this.#climate = calm
  }

  /** What happens to a call. */
  call(): CallFate {
    if (!this.#world.chance(this.#climate.call)) return 'well'
    const fate = this.#world.chance(this.#climate.hang) ? 'hang' : this.#world.pick(['before', 'after'] as const)
    return this.#count(fate)
  }

  /** What happens to a transaction. */
  transaction(): TransactionFate {
    return this.#world.chance(this.#climate.transaction) ? this.#count(this.#world.pick(fates)) : 'well'
  }

  /** Whether the process is killed. */
  crash(): boolean {
    return this.#world.chance(this.#climate.crash)
  }

  /** How long a message takes. */
  delayMs(): number {
    if (!this.#world.chance(this.#climate.delay)) return 0
    return Math.ceil(this.#climate.longestMs * this.#world.random() ** 3)
  }

  /** An error as an adapter may throw it where nothing was applied. */
  failure(): unknown {
    const outcome = this.#world.pick(['none', 'unknown'] as const)
    return this.#world.chance(0.3) ? new Error('bad weather') : this.#failure(outcome)
  }

  /** An error as an adapter may throw it where something may have been applied. */
  doubt(): unknown {
    return this.#world.chance(0.3) ? new Error('bad weather') : this.#failure('unknown')
  }

  #failure(outcome: 'none' | 'unknown'): StorageFailure {
    return new StorageFailure('bad weather', { transient: this.#world.chance(0.6), outcome })
  }

  #count<T extends string>(what: T): T {
    this.counts[what] = (this.counts[what] ?? 0) + 1
    return what
  }
}
