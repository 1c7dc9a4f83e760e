import type { Timers } from './clock.ts'

/** How long something may take. */
export interface Patience {
  readonly timers: Timers
  readonly deadlineMs: number
}

/**
 * Waits for some work, but not for ever. Work that comes too late goes on unheard.
 *
 * @throws what `late` makes when it takes longer than `deadlineMs`.
 */
export async function within<T>(patience: Patience, work: Promise<T>, late: () => Error): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = patience.timers.after(patience.deadlineMs, () => reject(late()))
  try {
    return await Promise.race([work, promise])
  } finally {
    stop()
  }
}

/** Waits for some work, or for a signal to abort, whichever comes first; what comes too late is handed to `discard`. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, on: OnAbort<T>): Promise<T> {
  return signal === undefined ? work : untilAborted(work, signal, on)
}

/** What an abort is answered with, and what becomes of work that it did not wait for. */
interface OnAbort<T> {
  aborted(): Error
  discard(late: T): void
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal, on: OnAbort<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(on.aborted())
  signal.addEventListener('abort', abort)
  try {
    if (signal.aborted) abort()
    return await Promise.race([work, promise])
  } catch (error) {
    work.then(
      (late) => on.discard(late),
      () => undefined,
    )
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
