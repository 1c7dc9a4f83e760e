import { z } from 'zod'
import type { KeyCounts } from '../audit/usage/standing.ts'
import { readUsage, type UsageAnswer } from '../audit/usage/usage-view.ts'
import type { HouseHealth, VerificationHealth } from '../house-health.ts'
import type { UseOperation } from '../runtime.ts'
import {
  describeActions,
  describeNumbers,
  describeTimed,
  sumOf,
  windowAt,
  windowField,
  type OperationMetrics,
  type UsageCounts,
  type UsageWindow,
  type WindowDescription,
} from './shared/usage.ts'

/** Which metrics to read. */
export interface MetricsRequest {
  /** Over what time. @defaultValue '24h' */
  readonly window?: UsageWindow | undefined
}

/** What a tenant did, and how it stands. */
export interface Metrics {
  /** The time that is counted. */
  readonly window: WindowDescription
  /** What was done, by the name of the operation. */
  readonly operations: Readonly<Record<string, OperationMetrics>>
  /** All of it together. */
  readonly all: UsageCounts
  /** Why calls were denied or failed, the commonest first, at most 100 of them. */
  readonly failures: readonly FailureCount[]
  /** How many keys there are in each state; `undefined` where more than 10,000 were there when counting began, or began again after it had failed. */
  readonly keys: KeyCounts | undefined
  /** The last verification of the audit log that was recorded. */
  readonly lastVerification: VerificationHealth | undefined
  /** Storage, root key, ledger and log, as this process sees them now. */
  readonly house: HouseHealth
  /** Since when records are counted. */
  readonly countingSince: Date | undefined
  /** What is missing in the counts: nothing, in the ordinary course of things. */
  readonly missing: MissingCounts
}

/** Why calls were denied or failed. */
export interface FailureCount {
  /** The code of the error; `undefined` for one that is no error of the library's, and for the rest of more than 300. */
  readonly code: string | undefined
  /** The true reason, which the callers were not told, where there is one. */
  readonly reason: string | undefined
  /** How many calls. */
  readonly calls: number
}

/** What is missing in counts. */
export interface MissingCounts {
  /** How many records were never counted, because the storage had not taken counts for a while. */
  readonly records: number
  /** How many rows of counts were found damaged now, and left out. */
  readonly rows: number
}

const schema = z.strictObject(windowField)
const shownFailures = 100

/** Reads what was done in a window. The number of rows that are read is bounded, whatever the size of the log. */
export const metrics: UseOperation<MetricsRequest, z.output<typeof schema>, Metrics> = {
  action: 'readMetrics',
  effect: 'read',
  schema,
  perform: async ({ window }, walk) => {
    await walk.authorize('readMetrics')
    const { from, shown } = windowAt(window, walk.now)
    const { answer, chain } = await walk.snapshot(async (reader, { tenant, size, revision }) => ({
      answer: await readUsage(reader, { tenant, size, kind: 'totals', from }),
      chain: { size, revision },
    }))
    const house = await walk.house.health({ ...answer, chain })
    return {
      window: shown,
      operations: describeActions(answer.tally.totals, describeTimed),
      all: describeNumbers(sumOf(answer.tally.totals)),
      failures: failuresOf(answer),
      keys: answer.keys,
      lastVerification: house.lastVerification,
      house,
      countingSince: house.countingSince,
      missing: { records: answer.uncounted, rows: answer.damaged },
    }
  },
}

function failuresOf({ tally }: UsageAnswer): FailureCount[] {
  const counts = [...tally.reasons].map(([name, calls]) => {
    const [code, reason] = [name.slice(0, name.indexOf('|')), name.slice(name.indexOf('|') + 1)]
    return { code: code === '' ? undefined : code, reason: reason === '' ? undefined : reason, calls }
  })
  return counts.toSorted((a, b) => b.calls - a.calls).slice(0, shownFailures)
}
