import { late } from './audit/live-view.ts'
import { aborted } from './audit/queue.ts'
import { within } from './internal/patience.ts'
import type { StateView } from './state/view.ts'
import type { WalkParts } from './walk.ts'

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

/** How much longer an operation waits, in milliseconds: for all its reads and its record together. */
export interface Remaining {
  ms: number
}

/** Reads wait only as long as the operation still may, and leave the rest to what comes after them. */
export function withPatience(parts: WalkParts, remaining: Remaining): WalkParts {
  const { view, clock, tools } = parts
  const inTime = async <T>(work: Promise<T>): Promise<T> => {
    const began = clock.monotonic()
    try {
      return await within({ timers: tools.timers, deadlineMs: remaining.ms }, work, late)
    } finally {
      remaining.ms = Math.max(0, remaining.ms - (clock.monotonic() - began))
    }
  }
  const read: StateView['read'] = (query) => {
    const answer = view.read(query)
    return answer instanceof Promise ? inTime(answer) : answer
  }
  return { ...parts, view: { read, snapshot: async (work) => inTime(view.snapshot(work)) } }
}
