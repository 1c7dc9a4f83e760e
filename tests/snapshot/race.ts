import type { Arena } from './arena.ts'

/** Two of the same, of which one writes beside a transaction that is held open. */
export interface Pair {
  readonly free: Arena
  readonly held: Arena
}

/** Milliseconds per batch, segment by segment. */
export interface Times {
  readonly free: readonly number[]
  readonly held: readonly number[]
}

/** How to run. */
export interface Race {
  readonly segments: number
  readonly batchesPerSegment: number
  readonly onSegment?: ((free: number, held: number) => void) | undefined
}

/** Lets both write, in turns, so that what else the machine does concerns both alike. */
export async function race({ free, held }: Pair, { segments, batchesPerSegment, onSegment }: Race): Promise<Times> {
  const times = { free: [] as number[], held: [] as number[] }
  const timed = async (arena: Arena): Promise<number> => {
    const began = performance.now()
    await arena.write(batchesPerSegment)
    return (performance.now() - began) / batchesPerSegment
  }
  await held.hold()
  for (let segment = 0; segment < segments; segment++) {
    // Who comes first changes from segment to segment.
    const order = segment % 2 === 0 ? (['free', 'held'] as const) : (['held', 'free'] as const)
    for (const name of order) times[name].push(await timed({ free, held }[name]))
    onSegment?.(times.free.at(-1) ?? 0, times.held.at(-1) ?? 0)
  }
  return times
}

/** The mean. */
export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}
