import type { AnchorState } from './audit/anchors/anchor.ts'
import type { MarkHealth } from './audit/mark-keeper.ts'
import type { LastVerification } from './audit/usage/standing.ts'

/**
 * Whether a root key still opens the keyring of a process that runs: `ok`, as far as it was asked; `failing`, it did not
 * when it was asked last, and `rootKeyGraceMs` goes on; `refused`, that is over, and nothing is done until it does.
 */
export type RootKeyState = 'ok' | 'failing' | 'refused'

/** How the house is. */
export interface HouseHealth {
  /** Whether the storage can be read, and which it is. */
  readonly storage: {
    /** Whether it answers. */
    readonly ok: boolean
    /** Which adapter it is. */
    readonly name: string
  }
  /** What the keyring hangs on. */
  readonly rootKey: {
    /** Name of the root key. */
    readonly provider: string
    /** The newest keyring epoch. */
    readonly epoch: number
    /** Whether it still opens the keyring. */
    readonly state: RootKeyState
  }
  /** The way into the audit log. */
  readonly ledger: {
    /** How many operations wait for their records. */
    readonly waiting: number
    /** How long the first of them has waited, in milliseconds. */
    readonly lagMs: number
  }
  /** What callers asked of this process. */
  readonly requests: {
    /** How many requests were refused for their shape: those are counted, not recorded. */
    readonly refused: number
  }
  /** The data keys that `withDataKey` keeps in this process, of all principals of the tenant. */
  readonly dataKeys: {
    /** How many there are now. */
    readonly cached: number
    /** How many calls were given one that was there. */
    readonly hits: number
    /** How many calls had one made. */
    readonly misses: number
  }
  /** What this process told listeners and the logger of the tenant. */
  readonly signals: {
    /** How many calls of listeners and of the logger failed. */
    readonly failed: number
    /** How many events and log lines were dropped because too many waited. */
    readonly dropped: number
    /** When one failed or was dropped last. */
    readonly lastFailureAt: Date | undefined
  }
  /** What was found not to verify, and found first since this process opened the tenant; `undefined` while all is well. */
  readonly tampering: string | undefined
  /** Where the audit log's checkpoints are kept outside, as {@link AnchorState} says of each. */
  readonly anchors: readonly AnchorState[]
  /** The last verification of the audit log that was recorded. */
  readonly lastVerification: VerificationHealth | undefined
  /** Since when records are counted, and verifications with them. */
  readonly countingSince: Date | undefined
  /** The high-water mark; `undefined` where there is none. */
  readonly mark: MarkHealth | undefined
  /** The audit log; `undefined` where its head cannot be read or does not verify. */
  readonly chain:
    | {
        /** How many records it has. */
        readonly size: number
        /** How many changes of the state it has. */
        readonly revision: number
      }
    | undefined
}

/** What is read of a log for its health. */
export interface LogHealth {
  readonly chain: NonNullable<HouseHealth['chain']>
  /** Since when records are counted, in milliseconds since 1970. */
  readonly since: number | undefined
  readonly verified: LastVerification | undefined
}

/** A verification of the audit log that was recorded. */
export interface VerificationHealth {
  /** When. */
  readonly at: Date
  /** Whether the log was intact. */
  readonly ok: boolean
  /** How many records were checked. */
  readonly records: number
  /** Its own record. */
  readonly seq: number
}
