import { unlessAborted } from '@chatelaine/storage-sql'
import type { Connection } from './connection.ts'

/** How a transaction begins, and who may end it. */
export interface Terms {
  /** The statements that begin it and take its lock. */
  readonly begin: string
  /** Gives up the wait for the lock, and the transaction, when aborted. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Runs `work` in a transaction and commits it.
 *
 * A crash before the commit reaches the server leaves nothing: it rolls back when it notices that its client is gone,
 * and keeps the lock until then. A crash after it leaves everything, whether or not anybody heard the answer; whoever
 * takes the lock next sees which it was.
 *
 * @throws `StorageFailure` when the lock is not to be had in time, or the commit fails; whatever `work` throws.
 */
export async function exclusively<T>(
  connection: Connection,
  { begin, signal }: Terms,
  work: () => Promise<T>,
): Promise<T> {
  try {
    await unlessAborted(() => connection.begin(begin), signal)
    const result = await unlessAborted(work, signal)
    await connection.commit(signal)
    return result
  } catch (error) {
    await connection.rollback()
    throw error
  }
}
