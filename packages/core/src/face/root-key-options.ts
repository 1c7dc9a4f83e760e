import type { CallOptions } from '../call.ts'
import type { RootKey } from '../root-key/root-key.ts'

/** Which root key a tenant is to hang on. */
export interface RotateRootKeyOptions extends CallOptions {
  /** The new root key. @defaultValue the `rootKey` of `createKms` */
  readonly to?: RootKey | undefined
  /**
   * Whether the wrappings by other root keys are removed. Until then a process that has only the old root key opens the
   * tenant too: rotate, give every process the new one, then rotate once more with `retire: true`. @defaultValue false
   */
  readonly retire?: boolean | undefined
  /** Says what would be done, tries the new root key out, and writes nothing. @defaultValue false */
  readonly dryRun?: boolean | undefined
}

/** What a rotation of the root key did, or would do. */
export interface RootKeyRotation {
  /** Whether it only says so. */
  readonly dryRun: boolean
  /** The name of the new root key. */
  readonly to: string
  /** Epochs whose keys were wrapped by it. */
  readonly staged: readonly number[]
  /** Epochs in which it took the place of another. */
  readonly promoted: readonly number[]
  /** Wrappings that were removed. */
  readonly retired: readonly EpochWrapping[]
  /** Wrappings by other root keys that still stand beside it. */
  readonly kept: readonly EpochWrapping[]
}

/** A wrapping of an epoch's keyring key. */
export interface EpochWrapping {
  /** The epoch. */
  readonly epoch: number
  /** The name of the root key. */
  readonly rootKey: string
}

/** How material is moved to a new keyring epoch. */
export interface RewrapOptions extends CallOptions {
  /** Begins a new epoch even where the newest began under the root key of today. @defaultValue false */
  readonly newEpoch?: boolean | undefined
  /** How many rows are moved at a time, 1 to 100: one change of the state each. @defaultValue 100 */
  readonly batch?: number | undefined
  /** At most this many rows a second. @defaultValue as many as there can be */
  readonly ratePerSecond?: number | undefined
  /** Called after every batch. What it throws ends the job, which may be started again. @defaultValue nobody */
  readonly onProgress?: ((progress: RewrapProgress) => void | Promise<void>) | undefined
  /** Says what would be done, and writes nothing but the record of having looked. @defaultValue false */
  readonly dryRun?: boolean | undefined
}

/** How far the moving of material has come. */
export interface RewrapProgress {
  /** The epoch to which it is moved. */
  readonly epoch: number
  /** Rows that were moved by this call. */
  readonly moved: number
}

/** What the moving of material came to, or would. */
export interface Rewrapping {
  /** Whether it only says so. */
  readonly dryRun: boolean
  /** The epoch under which everything is now. */
  readonly epoch: number
  /** Whether this call began it. */
  readonly began: boolean
  /** Rows that were moved by this call. */
  readonly moved: number
  /** Epochs that were removed. */
  readonly retired: readonly number[]
  /**
   * When the epochs before can be removed by another call: import tokens that were given out under them are good until
   * then. Absent where none is left.
   */
  readonly retireDueAt?: Date | undefined
}

/** What a tenant hangs on. */
export interface RootKeyStatus {
  /** The name of the configured root key. */
  readonly rootKey: string
  /** The keyring epochs, the newest last: it is the one under which new material is wrapped. */
  readonly epochs: readonly EpochStatus[]
  /** Whether everything is under an epoch that began under the configured root key; if not, what `rewrap` would do. */
  readonly rewrap: 'done' | 'needed' | 'unfinished'
}

/** A keyring epoch. */
export interface EpochStatus {
  /** Its number, from 1. */
  readonly epoch: number
  /** When it began. */
  readonly beganAt: Date
  /** The name of the root key under which it began. */
  readonly madeUnder: string
  /** The root keys that open it, the one in use first. */
  readonly wrappedBy: readonly EpochOpener[]
  /** How many rows are wrapped under it. */
  readonly rows: EpochRows
}

/** A root key that opens an epoch. */
export interface EpochOpener {
  /** Its name. */
  readonly rootKey: string
  /** Whether this process has it. */
  readonly isConfigured: boolean
}

/** How many rows are wrapped under an epoch. */
export interface EpochRows {
  /** Of key versions. */
  readonly versions: number
  /** Of what is known of imported material. */
  readonly imports: number
  /** Of the house's own secrets. */
  readonly secrets: number
}
