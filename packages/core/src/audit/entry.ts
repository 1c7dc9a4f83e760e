import type { KmsError } from '../errors.ts'
import type { ChangeSet } from '../state/change-set.ts'
import type { StateView } from '../state/view.ts'
import type { Deed } from './meter.ts'
import type { RecordDraft } from './record.ts'

/** A use or read that was done and waits for its records: its result is not released before they are durable. */
export interface UseEntry {
  readonly kind: 'use'
  readonly drafts: readonly RecordDraft[]
  /** The revision at which it was authorized. */
  readonly revision: number
  /** When the authorization ends; `Infinity` for never. */
  readonly validUntil: number
  /** How many bytes its result holds. */
  readonly resultBytes: number
  /** Whether it would be decided, and done, in the same way in this state at this time. */
  holds(view: StateView, now: number): Promise<boolean>
  /** What is counted of it; `undefined` where nothing is. */
  readonly charge: Charge | undefined
  /**
   * Does it inside the transaction, whatever was done before: for one that was done in vain too often. `undefined` where
   * nobody waits for it any more, so that its request is wiped: then there is nothing to record.
   */
  readonly inside?: ((view: StateView, revision: number) => Promise<UseEntry | undefined>) | undefined
}

/** What is counted of a use. */
export interface Charge {
  readonly deeds: readonly Deed[]
  /** The records of it, where it may not be done so often. */
  refused(error: KmsError): readonly RecordDraft[]
}

/** A change of the state, to be authorized, validated and done at its turn inside the transaction. */
export interface ChangeEntry {
  readonly kind: 'change'
  /** Does it. May be called again when the transaction was undone. What it throws refuses it, and nothing else. */
  perform(change: ChangeSet, now: number): Promise<RecordDraft>
  /** The record of its refusal; `undefined` where it was none, but is to be done again later. */
  refused(error: unknown): RecordDraft | undefined
}

/** What the ledger takes. */
export type Entry = UseEntry | ChangeEntry
