import { storageFailureOf } from '@chatelaine/core/storage'
import type { Row, StorageFailure } from '@chatelaine/core/storage'

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('It was expected to fail.')
}

/** The failure that a promise was rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<StorageFailure> {
  const error = await rejection(promise)
  const failure = storageFailureOf(error)
  if (failure === undefined) throw new Error('It was expected to fail with a StorageFailure.', { cause: error })
  return failure
}

/** A promise, and the function that settles it. */
export function signalled(): { readonly reached: Promise<void>; readonly reach: () => void } {
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  return { reached, reach }
}

/** Byte columns as plain lists, so that a `Buffer` equals a `Uint8Array`. */
export function plain(row: Row | undefined): unknown {
  if (row === undefined) return undefined
  const pairs = Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value])
  return Object.fromEntries(pairs)
}
