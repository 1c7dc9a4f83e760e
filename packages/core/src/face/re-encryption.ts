import type { CallOptions } from '../call.ts'
import type { KmsError } from '../errors.ts'
import type { Ciphertext, EncryptionContext } from '../operations/shared/fields.ts'

/** A row of a table that holds a message. */
export interface ReEncryptRow {
  /** What the caller calls the row, 1 to 256 characters. The source gives rows in an order that can be resumed after one. */
  readonly reference: string
  /** The message: bytes, or their canonical base64url. */
  readonly ciphertext: Ciphertext
  /** The pairs that it was encrypted with. @defaultValue none */
  readonly context?: EncryptionContext | undefined
}

/** Rows, read one after the other and no faster than they are worked on. */
export type ReEncryptSource = AsyncIterable<ReEncryptRow> | Iterable<ReEncryptRow>

/** A row to write back. */
export interface ReEncryptedRow {
  /** What the caller calls the row. */
  readonly reference: string
  /** The new message, in the form in which the old one was given: bytes, or base64url. */
  readonly ciphertext: Buffer | string
  /** The old message: write only where it still stands, so that what somebody wrote meanwhile is not lost. */
  readonly previous: Ciphertext
  /** The key that it is under now. */
  readonly keyId: string
  /** The version of it. */
  readonly keyVersion: number
}

/** A row that could not be re-encrypted. */
export interface ReEncryptFailure {
  /** What the caller calls the row. */
  readonly reference: string
  /** Why. */
  readonly error: KmsError
}

/** How far it has come. */
export interface ReEncryptProgress {
  /** Rows that were read from the source. */
  readonly read: number
  /** Rows that were re-encrypted and written. */
  readonly reEncrypted: number
  /** Rows that needed nothing. */
  readonly skipped: number
  /** Rows that could not be re-encrypted: they are as they were. */
  readonly failed: number
  /** Those of the last batch that could not. */
  readonly failures: readonly ReEncryptFailure[]
  /** The reference of the last row that is done with; `undefined` where there was none. */
  readonly cursor: string | undefined
}

/** What came of it. `failures` holds the first 100. */
export interface ReEncryptAllResult extends ReEncryptProgress {}

/** How to re-encrypt a table. */
export interface ReEncryptAllOptions extends CallOptions {
  /** The key that all rows shall be under: id or name. @defaultValue each the one that it is under */
  readonly key?: string | undefined
  /** Most rows of a batch, 1 to 1,000. A batch also ends when its messages hold 4 MiB. @defaultValue 500 */
  readonly batch?: number | undefined
  /** Writes rows back. Called with those of a batch that were re-encrypted, unless there are none. */
  readonly write: (rows: readonly ReEncryptedRow[]) => unknown
  /** Told, after `write`, the reference of the last row that is done with: where a source may begin the next time. */
  readonly checkpoint?: ((cursor: string) => unknown) | undefined
  /** Told after each batch. */
  readonly onProgress?: ((progress: ReEncryptProgress) => unknown) | undefined
  /**
   * What to do about a row that cannot be re-encrypted: go on, or stop with its error after the other rows of its batch
   * are written. Errors that pass, such as `STORAGE_UNAVAILABLE`, always stop it. @defaultValue 'continue'
   */
  readonly onError?: 'continue' | 'stop' | undefined
}
