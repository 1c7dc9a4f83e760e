import { z } from 'zod'
import { at, callsOf } from '../audit/usage/numbers.ts'
import type { Series } from '../audit/usage/tally.ts'
import { readUsage } from '../audit/usage/usage-view.ts'
import type { UseOperation } from '../runtime.ts'
import {
  describeActions,
  describeNumbers,
  sumOf,
  windowAt,
  windowField,
  type UsageCounts,
  type UsageWindow,
  type WindowDescription,
} from './shared/usage.ts'

/** Where to look for keys whose failures stand out. */
export interface ProblematicKeysRequest {
  /** Over what time. @defaultValue '24h' */
  readonly window?: UsageWindow | undefined
  /** At most so many, 1 to 500, those with the largest share of failures first. @defaultValue 20 */
  readonly limit?: number | undefined
}

/** Keys whose failures stand out. */
export interface ProblematicKeys {
  /** The time that is counted. */
  readonly window: WindowDescription
  /** The share of calls on keys that failed, over all keys: 0 to 1. Denied calls count neither as calls nor as failures. */
  readonly failureRate: number
  /** Those with the largest share of failures first. */
  readonly items: readonly ProblematicKey[]
}

/** A key whose failures stand out. */
export interface ProblematicKey {
  /** Its id. */
  readonly keyId: string
  /** The share of its calls that failed: 0 to 1. */
  readonly failureRate: number
  /** What was done with it, by the name of the operation. */
  readonly operations: Readonly<Record<string, UsageCounts>>
  /** All of it together. */
  readonly all: UsageCounts
}

const schema = z.strictObject({ limit: z.int().min(1).max(500).optional(), ...windowField })
const defaultLimit = 20
/** A key's failures stand out with so many of them, in such a share of its calls, so much above the share of all others. */
const rule = { failures: 5, rate: 0.1, above: 2 }

/**
 * Lists keys whose failures stand out: at least 5 calls of a key have failed, at least a tenth of all its calls, and at
 * least twice the share of all other keys together: one that is busier than all of them hides nothing. Denied calls are left out: they tell of who called, not of the key.
 */
export const problematicKeys: UseOperation<ProblematicKeysRequest, z.output<typeof schema>, ProblematicKeys> = {
  action: 'readMetrics',
  effect: 'read',
  schema,
  perform: async ({ limit = defaultLimit, window }, walk) => {
    await walk.authorize('readMetrics')
    const { from, shown } = windowAt(window, walk.now)
    const turn = async (): Promise<void> => walk.tools.timers.turn()
    const { tally } = await walk.snapshot(async (reader, { tenant, size }) =>
      readUsage(reader, { tenant, size, kind: 'keys', from, turn }),
    )
    const { keys, all } = ratesOf(tally.series.keys)
    const found = keys.filter((key) => key.id !== '' && standsOut(key, all))
    found.sort((a, b) => b.rate - a.rate || b.failures - a.failures || (a.id < b.id ? -1 : 1))
    const items = found.slice(0, limit).map(({ id, rate, actions, sum }) => ({
      keyId: id,
      failureRate: rate,
      operations: describeActions(actions, describeNumbers),
      all: describeNumbers(sum),
    }))
    return { window: shown, failureRate: shareOf(all.failures, all.calls), items }
  },
}

function ratesOf(series: Series) {
  const keys = [...series].map(([id, actions]) => {
    const sum = sumOf(actions)
    const failures = sum[at.failed] as number
    const calls = callsOf(sum) - (sum[at.denied] as number)
    return { id, actions, sum, failures, calls, rate: shareOf(failures, calls) }
  })
  const failures = keys.reduce((count, key) => count + key.failures, 0)
  const calls = keys.reduce((count, key) => count + key.calls, 0)
  return { keys, all: { failures, calls } }
}

/** How often something was asked for, and failed. */
interface Rate {
  readonly failures: number
  readonly calls: number
}

function standsOut({ failures, calls }: Rate, all: Rate): boolean {
  const others = shareOf(all.failures - failures, all.calls - calls)
  return failures >= rule.failures && shareOf(failures, calls) >= Math.max(rule.rate, rule.above * others)
}

function shareOf(part: number, all: number): number {
  return all === 0 ? 0 : part / all
}
