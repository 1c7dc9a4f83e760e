/**
 * Waits for all of some work that was asked for in one go, to its end: what is still under way when somebody else acts
 * upon a failure would be in the way.
 *
 * @throws what the first of it that failed threw: what comes after that may only be its consequence.
 */
export async function allOf(work: readonly Promise<unknown>[]): Promise<void> {
  for (const done of await Promise.allSettled(work)) if (done.status === 'rejected') throw done.reason
}
