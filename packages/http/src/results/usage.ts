import type { Metrics, ProblematicKeys, TopUsage, Usage } from '@chatelaine/core'
import { z } from 'zod'
import { house, verified } from './health.ts'
import { count, date, shape, text } from './shape.ts'

const number = z.number()
const window = z.strictObject({ from: date, to: date, hours: number })
const counts = z.strictObject({
  calls: count,
  succeeded: count,
  denied: count,
  failed: count,
  items: z.strictObject({ succeeded: count, failed: count }),
  durationMs: z.looseObject({ mean: number, max: number }),
  lastAt: date.optional(),
})
const operations = z.record(text, counts)

/** What was done in a window. */
export const metrics = shape<Metrics>()({
  window,
  operations,
  all: counts,
  failures: z.array(z.strictObject({ code: text.optional(), reason: text.optional(), calls: count })),
  keys: z.record(text, count).optional(),
  lastVerification: verified.optional(),
  house,
  countingSince: date.optional(),
  missing: z.strictObject({ records: count, rows: count }),
})

/** What was done with one thing, or by one. */
export const usage = shape<Usage>()({ window, operations, all: counts, lastUsedAt: date.optional() })

/** What was busiest. */
export const topUsage = shape<TopUsage>()({
  window,
  items: z.array(z.strictObject({ id: text, operations, all: counts })),
  other: counts,
})

/** Keys whose failures stand out. */
export const problematicKeys = shape<ProblematicKeys>()({
  window,
  failureRate: number,
  items: z.array(z.strictObject({ keyId: text, failureRate: number, operations, all: counts })),
})
