import type { Pseudonyms } from './audit/pseudonym.ts'
import type { Tools } from './envelope/seal.ts'
import type { Clock } from './internal/clock.ts'
import type { Keyring } from './keys/keyring.ts'
import type { NameIndex } from './keys/name-index.ts'
import type { RecentGrants } from './recent-grants.ts'
import type { House } from './runtime.ts'
import type { StateView } from './state/view.ts'
import type { AuthenticReader } from './state/tree/authentic-reader.ts'
import type { StorageReader } from './storage/adapter.ts'

/** What the walks of a tenant share. */
export interface WalkParts {
  readonly tenant: string
  readonly clock: Clock
  readonly tools: Tools
  readonly view: SnapshotView
  readonly revision: () => number
  /** What was granted lately in that state, where its state is one that others decide in too. */
  readonly recent?: RecentGrants | undefined
  readonly keyring: Keyring
  readonly pseudonyms: Pseudonyms
  readonly names: NameIndex
  readonly house: House
}

/** The state, and what is beside it. */
export interface SnapshotView extends StateView {
  /** Reads from one snapshot, of a log that has this many records. */
  snapshot<T>(read: SnapshotRead<T>): Promise<T>
}

/** How many records and changes a log has. */
export interface LogSize {
  readonly size: number
  readonly revision: number
}

/** What is read from one snapshot. */
export type SnapshotRead<T> = (reader: StorageReader, head: LogSize) => Promise<T>

/** The state, of which nothing is believed that its tree does not say. */
export interface AuthenticView extends SnapshotView {
  snapshot<T>(read: (reader: AuthenticReader, head: LogSize) => Promise<T>): Promise<T>
}
