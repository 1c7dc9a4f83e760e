import type { Place } from '../processes/place.ts'

/** What a writer is told. It writes until it is killed. */
export interface WriterPlan {
  readonly place: Place
  readonly rootKey: string
  /** Begins its request ids. */
  readonly name: string
  readonly callers: number
  readonly seed: number
  readonly deadlineMs: number
  /** Grants that there are already. */
  readonly grants: readonly string[]
  /** Where it writes what it asks, and what was acknowledged. */
  readonly journal: string
}

/**
 * What a writer says: that it runs, that its house is open, or that something succeeded which it asked after it was told
 * `back`.
 */
export type Word = 'running' | 'open' | 'recovered'

/** What a rig of this kind does. */
export interface KillPlan {
  /** What is killed: processes on a file or on a server, or the server itself. */
  readonly storage: 'sqlite' | 'postgres' | 'server'
  readonly rounds: number
  /** Rounds that one house lives through. */
  readonly roundsPerHouse: number
  readonly writers: number
  readonly callers: number
  readonly seed: number
  /** Parent of the folder for a file. */
  readonly folder?: string | undefined
  /** The server for `postgres`. One of the rig's own, unless it is given. */
  readonly url?: string | undefined
}
