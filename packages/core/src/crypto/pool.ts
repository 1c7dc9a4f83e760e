import { availableParallelism } from 'node:os'

/** One more than there are cores, so that none idles while a result is taken; more would take the event loop its turn. */
const most = availableParallelism() + 1
const waiting: (() => void)[] = []
let running = 0

/** Hands work to Node's thread pool, a few pieces at a time, first come, first served. */
export async function inPool<T>(
  work: (done: (error: Error | null | undefined, result: T) => void) => void,
): Promise<T> {
  if (running >= most) await new Promise<void>((resolve) => void waiting.push(resolve))
  else running += 1
  try {
    return await new Promise((resolve, reject) => {
      work((error, result) => (error === null || error === undefined ? resolve(result) : reject(error)))
    })
  } finally {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }
}
