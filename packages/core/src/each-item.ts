import type { Step } from './drafts.ts'
import { isKmsError } from './errors.ts'
import { wipeDeep } from './internal/bytes.ts'
import type { Clock, Timers } from './internal/clock.ts'
import type { Item, ManyItem } from './runtime.ts'

/** For how long items are worked on before others get a turn. */
const turnMs = 5

/** What items are worked on with. */
export interface ItemsBy {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly timers: Pick<Timers, 'turn'>
  /** Begins the next item, and gives the place for what becomes of it. */
  readonly begin: () => Step
}

/** Items, and what is done with each. */
export interface Items<I extends Item, R> {
  readonly items: readonly I[]
  readonly work: (item: I) => R | Promise<R>
}

/** Works on items one after the other, each on its own: what one of them fails by stands in its place. */
export async function eachItem<I extends Item, R>(of: Items<I, R>, by: ItemsBy): Promise<ManyItem<R>[]> {
  const results: ManyItem<R>[] = []
  let turnEnds = by.clock.monotonic() + turnMs
  for (const item of of.items) {
    const step = by.begin()
    try {
      const result = of.work(item)
      results.push({ ok: true, reference: item.reference, ...(result instanceof Promise ? await result : result) })
    } catch (error) {
      if (!isKmsError(error) || error.code === 'ABORTED') return abandon(results, error)
      step.error = error
      results.push({ ok: false, reference: item.reference, error })
    }
    if (by.clock.monotonic() < turnEnds) continue
    await by.timers.turn()
    turnEnds = by.clock.monotonic() + turnMs
  }
  return results
}

/** A call that ends in the middle of its items leaves nothing of those before. */
function abandon(results: readonly unknown[], error: unknown): never {
  wipeDeep(results)
  throw error as Error
}
