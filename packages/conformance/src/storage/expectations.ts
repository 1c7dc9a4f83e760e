import { isStorageConflict, storageFailureOf } from '@chatelaine/core/storage'
import type { StorageFailure } from '@chatelaine/core/storage'
import { expect } from 'vitest'

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

/** Expects what no later state of the data could make possible to be refused, and nothing to be done. */
export async function expectRefused(promise: Promise<unknown>): Promise<void> {
  const { transient, outcome } = await failureOf(promise)
  expect({ transient, outcome }).toEqual({ transient: false, outcome: 'none' })
}

/** Expects a transaction to have been given up, for now, with nothing done. */
export async function expectAbandoned(promise: Promise<unknown>): Promise<void> {
  const { transient, outcome } = await failureOf(promise)
  expect({ transient, outcome }).toEqual({ transient: true, outcome: 'none' })
}

/** Expects a promise to be rejected with a clash. */
export async function expectConflict(promise: Promise<unknown>): Promise<void> {
  const error = await rejection(promise)
  if (!isStorageConflict(error)) throw new Error('It was expected to clash.', { cause: error })
}

/** A promise, and the function that settles it. */
export function signalled(): { readonly reached: Promise<void>; readonly reach: () => void } {
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  return { reached, reach }
}

/** Lets everything that is ready have its turn, this many times. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => void setImmediate(resolve))
}
