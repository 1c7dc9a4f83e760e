/** Seconds that `work` took. */
export async function seconds(work: () => Promise<void> | void): Promise<number> {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e9
}

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}

/** Runs `operation` so many times by so many callers, each of which waits for its own. */
export async function byCallers(callers: number, operations: number, operation: () => Promise<unknown>): Promise<void> {
  let left = operations
  const caller = async (): Promise<void> => {
    while (left-- > 0) await operation()
  }
  await Promise.all(Array.from({ length: callers }, caller))
}
