import { StorageFailure, storageFailureOf } from '@chatelaine/core/storage'
import { unlessAborted } from '@chatelaine/storage-sql'
import type { Connection } from './connection.ts'

/** How a transaction begins, and who may end it. */
export interface Terms {
  /** The statements that begin it and take its lock. */
  readonly begin: string
  /** Gives up the wait for the lock, and the transaction, when aborted. */
  readonly signal?: AbortSignal | undefined
  /** Whether `work` may begin before the lock is had; it is given the beginning then. */
  readonly early?: boolean | undefined
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
  { begin, signal, early = false }: Terms,
  work: (beginning?: Promise<void>) => Promise<T>,
): Promise<T> {
  let working: Promise<T> | undefined
  try {
    if (!early) await unlessAborted(() => connection.begin(begin), signal)
    working = early ? begunWith(connection.begin(begin), work) : work()
    const result = await unlessAborted(async () => working as Promise<T>, signal)
    await connection.commit(signal)
    return result
  } catch (error) {
    if (working !== undefined && connection.isCommitting) return committed(connection, working, error)
    await connection.rollback()
    throw error
  }
}

/** What a transaction comes to whose commit was sent along when something went wrong. What became of the commit counts. */
async function committed<T>(connection: Connection, working: Promise<T>, error: unknown): Promise<T> {
  try {
    await connection.commit()
  } catch (failure) {
    throw storageFailureOf(failure)?.outcome === 'none' ? error : failure
  }
  // Somebody has given up, but it was too late for that.
  return working.catch((cause: unknown) => {
    const message = 'The database committed what it was given, and says that it did something else.'
    throw new StorageFailure(message, { transient: false, outcome: 'unknown', cause })
  })
}

/**
 * Asks what `work` reads first together with what takes the lock: the server answers it when it has. What became of the
 * beginning counts: `work`, which is told of it, must write nothing before.
 */
async function begunWith<T>(beginning: Promise<void>, work: (beginning: Promise<void>) => Promise<T>): Promise<T> {
  const [begun, worked] = await Promise.allSettled([beginning, work(beginning)])
  if (begun.status === 'rejected') throw begun.reason
  if (worked.status === 'rejected') throw worked.reason
  return worked.value
}
