import type { StorageAdapter } from '@chatelaine/core/storage'
import { intercepted } from './intercept.ts'
import type { StorageCall } from './intercept.ts'

/** How a call ended. */
export interface StorageCallEnd {
  /** Whether it did what it was asked. */
  readonly ok: boolean
  /** What it threw where it did not. */
  readonly error?: unknown
  /** Of a read: how many rows it gave. */
  readonly rows?: number | undefined
}

/**
 * Is told of every call when it begins. A function that it gives is told when that call has ended. What either throws
 * fails the call.
 */
export type StorageObserver = (call: StorageCall) => ((end: StorageCallEnd) => void) | void

/**
 * The same storage, watched: it keeps the contract wherever the storage below does, and says what it was asked.
 *
 * @example
 * ```ts no-check
 * const asked: string[] = []
 * const storage = passThrough(memoryStorage(), ({ name, table }) => void asked.push(`${name} ${table ?? ''}`))
 * ```
 */
export function passThrough(storage: StorageAdapter, observe: StorageObserver): StorageAdapter {
  let calls = 0
  return intercepted(storage, async (call, work) => {
    calls += 1
    const ended = observe({ ...call, number: calls })
    if (typeof ended !== 'function') return work()
    return work().then(
      (result) => {
        ended({ ok: true, rows: rowsOf(call.name, result) })
        return result
      },
      (error: unknown) => {
        ended({ ok: false, error })
        throw error
      },
    )
  })
}

/** How many rows a read gave; `undefined` for what is no read. */
function rowsOf(name: StorageCall['name'], result: unknown): number | undefined {
  if (name.endsWith('.range')) return (result as readonly unknown[]).length
  if (name.endsWith('.get')) return result === undefined ? 0 : 1
  return undefined
}
