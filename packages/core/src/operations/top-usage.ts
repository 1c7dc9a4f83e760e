import { z } from 'zod'
import { callsOf } from '../audit/usage/numbers.ts'
import type { ByAction } from '../audit/usage/tally.ts'
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

/** By what to list usage. */
export interface TopUsageRequest {
  /** What to list: keys by their ids, principals, or owners of keys. */
  readonly by: 'key' | 'principal' | 'owner'
  /** Over what time. @defaultValue '24h' */
  readonly window?: UsageWindow | undefined
  /** At most so many, 1 to 500, those with the most calls first. @defaultValue 20 */
  readonly limit?: number | undefined
}

/** Who, or what, was busiest. */
export interface TopUsage {
  /** The time that is counted. */
  readonly window: WindowDescription
  /** Those with the most calls first. */
  readonly items: readonly SeriesUsage[]
  /** What was not counted apart: of each hour, the 3,000 with the most calls are. */
  readonly other: UsageCounts
}

/** The usage of one key, principal or owner. */
export interface SeriesUsage {
  /** Id of the key or principal, or the owner. */
  readonly id: string
  /** What was done, by the name of the operation. */
  readonly operations: Readonly<Record<string, UsageCounts>>
  /** All of it together. */
  readonly all: UsageCounts
}

const schema = z.strictObject({
  by: z.enum(['key', 'principal', 'owner']),
  limit: z.int().min(1).max(500).optional(),
  ...windowField,
})
const defaultLimit = 20
const kinds = { key: 'keys', principal: 'principals', owner: 'owners' } as const

/** Lists the keys, principals or owners with the most calls. */
export const topUsage: UseOperation<TopUsageRequest, z.output<typeof schema>, TopUsage> = {
  action: 'readMetrics',
  effect: 'read',
  schema,
  perform: async ({ by, limit = defaultLimit, window }, walk) => {
    await walk.authorize('readMetrics')
    const { from, shown } = windowAt(window, walk.now)
    const kind = kinds[by]
    const turn = async (): Promise<void> => walk.tools.timers.turn()
    const { tally } = await walk.snapshot(async (reader, { tenant, size }) =>
      readUsage(reader, { tenant, size, kind, from, turn }),
    )
    const { '': other, ...named } = Object.fromEntries(tally.series[kind]) as Record<string, ByAction>
    const order = Object.entries(named).map(([id, actions]) => ({ id, actions, calls: callsOf(sumOf(actions)) }))
    order.sort((a, b) => b.calls - a.calls || (a.id < b.id ? -1 : 1))
    return {
      window: shown,
      items: order.slice(0, limit).map(({ id, actions }) => describeSeries(id, actions)),
      other: describeNumbers(sumOf(other ?? new Map())),
    }
  },
}

function describeSeries(id: string, actions: ByAction): SeriesUsage {
  return { id, operations: describeActions(actions, describeNumbers), all: describeNumbers(sumOf(actions)) }
}
