const brand: unique symbol = Symbol.for('chatelaine.StorageError') as never

/** What went wrong in an adapter. Recognized across copies of the package by {@link isStorageConflict} and {@link storageFailureOf}. */
export class StorageConflict extends Error {
  /** Marks the class across copies of the package. */
  readonly [brand] = 'conflict'
  /** Name of the class. */
  override readonly name: string = 'StorageConflict'
}

/** Details of a {@link StorageFailure}. */
export interface StorageFailureDetails {
  /** Whether the same call may succeed later, without anybody changing anything. */
  readonly transient: boolean
  /** Whether the transaction was certainly not applied, or may have been. */
  readonly outcome: 'none' | 'unknown'
  /** What the driver said. */
  readonly cause?: unknown
}

/** A storage that could not do its work, for a reason that is not a conflict. */
export class StorageFailure extends Error {
  /** Marks the class across copies of the package. */
  readonly [brand] = 'failure'
  /** Name of the class. */
  override readonly name: string = 'StorageFailure'
  /** Whether the same call may succeed later, without anybody changing anything. */
  readonly transient: boolean
  /** Whether the transaction was certainly not applied, or may have been. */
  readonly outcome: 'none' | 'unknown'

  constructor(message: string, details: StorageFailureDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.transient = details.transient
    this.outcome = details.outcome
  }
}

const brandOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, brand) : undefined

/** Whether an adapter reported a clash. */
export function isStorageConflict(error: unknown): error is StorageConflict {
  return brandOf(error) === 'conflict'
}

/** The failure that an adapter reported, or `undefined` for anything else. */
export function storageFailureOf(error: unknown): StorageFailure | undefined {
  return brandOf(error) === 'failure' ? (error as StorageFailure) : undefined
}
