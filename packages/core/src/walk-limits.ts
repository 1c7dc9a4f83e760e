import { aborted } from './audit/queue.ts'
import type { WalkParts } from './walk-parts.ts'

/** Long work notices an abort whenever it lets others have a turn. */
export function withSignal(parts: WalkParts, signal: AbortSignal | undefined): WalkParts {
  if (signal === undefined) return parts
  const { random, timers } = parts.tools
  const turn = async (): Promise<void> => {
    await timers.turn()
    if (signal.aborted) throw aborted(signal)
  }
  return { ...parts, tools: { random, timers: { after: timers.after.bind(timers), turn } } }
}
