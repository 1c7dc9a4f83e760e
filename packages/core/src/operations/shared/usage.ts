import { z } from 'zod'
import { at, callsOf, durationBounds } from '../../audit/usage/numbers.ts'
import { hourOf, startOf } from '../../audit/usage/standing.ts'
import type { ByAction } from '../../audit/usage/tally.ts'
import { addTo, noNumbers } from '../../audit/usage/numbers.ts'

/** Over what time to count: the hour that goes on and those before it, by the clock in UTC. */
export type UsageWindow = '24h' | '30d' | UsageHours

/** A window of so many hours. */
export interface UsageHours {
  /** How many, the one that goes on among them: 1 to 720. */
  readonly hours: number
}

/** The fields of requests that have a window, for schemas. */
export const windowField = {
  window: z.union([z.enum(['24h', '30d']), z.strictObject({ hours: z.int().min(1).max(720) })]).optional(),
}

/** A window, in the time of an answer. */
export interface WindowDescription {
  /** Where it begins: at a full hour. */
  readonly from: Date
  /** Where it ends: now. */
  readonly to: Date
  /** How many hours it has, the one that goes on among them. */
  readonly hours: number
}

/** The window that was asked for. */
export function windowAt(window: UsageWindow | undefined, now: number): { from: number; shown: WindowDescription } {
  const hours = typeof window === 'object' ? window.hours : window === '30d' ? 720 : 24
  const from = hourOf(now) - hours + 1
  return { from, shown: { from: new Date(startOf(from)), to: new Date(now), hours } }
}

/** How often something was done, and how it went. */
export interface UsageCounts {
  /** How many calls there were: records, of which a many-verb makes one for each key. */
  readonly calls: number
  /** How many of them succeeded. */
  readonly succeeded: number
  /** How many were denied. */
  readonly denied: number
  /** How many failed otherwise. */
  readonly failed: number
  /** How many messages, keys and the like those calls were about: more than calls where many-verbs were used. */
  readonly items: ItemCounts
  /** How long they took from call to record, in milliseconds. */
  readonly durationMs: Durations
  /** When the last of them was recorded; `undefined` where there is none. */
  readonly lastAt: Date | undefined
}

/** How many items of calls succeeded and failed. */
export interface ItemCounts {
  /** Those that succeeded. */
  readonly succeeded: number
  /** Those that failed. */
  readonly failed: number
}

/** How long calls took, in milliseconds. */
export interface Durations {
  /** On average. */
  readonly mean: number
  /** At most. */
  readonly max: number
}

/** The same of one operation of the whole tenant. */
export interface OperationMetrics extends UsageCounts {
  readonly durationMs: DurationMetrics
}

/** How long calls took, in milliseconds, with bounds below which so many of them were. */
export interface DurationMetrics extends Durations {
  /** Half of them took at most this; `undefined` where it is more than 5,000. */
  readonly p50: number | undefined
  /** 95 of 100 took at most this. */
  readonly p95: number | undefined
  /** 99 of 100 took at most this. */
  readonly p99: number | undefined
}

/** What numbers say. */
export function describeNumbers(numbers: readonly number[]): UsageCounts {
  const number = (index: number): number => numbers[index] as number
  const calls = callsOf(numbers)
  return {
    calls,
    succeeded: number(at.ok),
    denied: number(at.denied),
    failed: number(at.failed),
    items: { succeeded: number(at.itemsOk), failed: number(at.itemsFailed) },
    durationMs: { mean: calls === 0 ? 0 : number(at.ms) / calls, max: number(at.maxMs) },
    lastAt: calls === 0 ? undefined : new Date(number(at.lastAt)),
  }
}

/** What the numbers of an operation say. */
export function describeTimed(numbers: readonly number[]): OperationMetrics {
  const counts = describeNumbers(numbers)
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => boundOf(numbers, share * counts.calls))
  return { ...counts, durationMs: { ...counts.durationMs, p50, p95, p99 } }
}

/** The bound below which at least so many calls are. */
function boundOf(numbers: readonly number[], calls: number): number | undefined {
  let below = 0
  return durationBounds.find((_, index) => {
    below += numbers[at.buckets + index] as number
    return below >= calls
  })
}

/** What was done, operation by operation, in the order of their names. */
export function describeActions<T>(
  actions: ByAction,
  describe: (numbers: readonly number[]) => T,
): Readonly<Record<string, T>> {
  const names = [...actions.keys()].toSorted()
  return Object.fromEntries(names.map((name) => [name, describe(actions.get(name) as number[])]))
}

/** The numbers of all operations together. */
export function sumOf(actions: ByAction): number[] {
  const sum = noNumbers()
  for (const numbers of actions.values()) addTo(sum, numbers.slice(0, at.buckets))
  return sum
}
