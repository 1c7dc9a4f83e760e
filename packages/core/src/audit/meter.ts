import type { KmsError } from '../errors.ts'
import type { StateCache } from '../state/cache.ts'
import type { StateTree } from '../state/tree/state-tree.ts'
import type { StorageTransaction } from '../storage/adapter.ts'

/** Something that a use did, as it is counted: all that it did under one claim. */
export interface Deed {
  /** The operation, by the name that a grant gives it. */
  readonly action: string
  readonly principal: string
  /** The owner of the key. */
  readonly owner: string | undefined
  /** How often: a many-verb does something for each of its items. */
  readonly count: number
  /** The version of a key that has protected so many messages more, where those are counted. */
  readonly spends: Spending | undefined
}

/** A version of a key that is to protect at most so many messages. */
export interface Spending {
  readonly keyId: string
  readonly version: number
  readonly most: number
}

/** Where a batch is written. */
export interface MeterPlace {
  readonly tx: StorageTransaction
  readonly tenant: string
  readonly cache: StateCache
  readonly tree: StateTree
  readonly now: number
  /** The latest time that is known of, whatever the clock of this process says. */
  readonly latest: number
}

/** Counts what uses do, in rows of the state, inside the transactions that record them. */
export interface Meter {
  /** For one attempt of a batch. What it counts is forgotten unless it is committed. */
  begin(place: MeterPlace): BatchMeter
}

/** Counts what the uses of one batch do. */
export interface BatchMeter {
  /** Counts all of it, or says why none of it may be done. At once, where nothing has to be read for it. */
  charge(deeds: readonly Deed[]): KmsError | undefined | Promise<KmsError | undefined>
  /** Whether something was counted that is to be written. */
  readonly isChanged: boolean
  /** Writes what was counted, after the uses and before the changes. */
  settle(): Promise<void>
  /** The batch is durable. Must not throw. */
  committed(): void
}
