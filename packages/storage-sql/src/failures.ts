import { StorageFailure } from '@chatelaine/core/storage'

/** A mistake of the caller, or a database that is not what it should be: nothing that trying again could help. */
export function refusal(message: string, cause?: unknown): StorageFailure {
  return new StorageFailure(message, { transient: false, outcome: 'none', cause })
}

/** What a transaction fails with when its caller gave up before its commit began. */
export function abandoned(signal: AbortSignal): StorageFailure {
  return new StorageFailure('The transaction was given up before it was committed.', {
    transient: true,
    outcome: 'none',
    cause: signal.reason,
  })
}
