import { createHash } from 'node:crypto'
import { updateInSlices } from './slices.ts'

const { setImmediate: immediately } = globalThis
const turn = async (): Promise<void> => new Promise((resolve) => void immediately(resolve))
let last: Promise<unknown> = Promise.resolve()

/**
 * Runs work that holds the thread for milliseconds, and gives everybody else a turn before the next piece of it: many
 * callers at once hold the event loop no longer than one.
 */
export async function oneAtATime<T>(work: () => T): Promise<T> {
  const done = last.then(work)
  last = done.then(turn, turn)
  return done
}

/** SHA-512 of a message, yielding every MiB (FIPS 180-4). */
export async function sha512InSlices(message: Buffer): Promise<Buffer> {
  const hash = createHash('sha512')
  await updateInSlices(hash, message, turn)
  return hash.digest()
}
