/**
 * Waits for all of some work that was asked for in one go, to its end: what is still under way when somebody else acts
 * upon a failure would be in the way.
 *
 * @throws what the first of it that failed threw: what comes after that may only be its consequence.
 */
export async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results: T[] = []
  for (const done of await Promise.allSettled(work)) {
    if (done.status === 'rejected') throw done.reason
    results.push(done.value)
  }
  return results
}
