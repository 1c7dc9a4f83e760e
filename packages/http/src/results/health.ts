import type { AnchorState, Health, HouseHealth, VerificationHealth } from '@chatelaine/core'
import { z } from 'zod'
import { count, date, flag, shape, text } from './shape.ts'

/** A place where checkpoints are kept. */
export const anchor = shape<AnchorState>()({
  name: text,
  state: text,
  size: count,
  anchoredAt: count.optional(),
  waiting: flag,
  failures: count,
  problem: text.optional(),
})

/** A verification of the log. */
export const verified = shape<VerificationHealth>()({ at: date, ok: flag, records: count, seq: count })

/** How the house is. */
export const house = shape<HouseHealth>()({
  storage: z.strictObject({ ok: flag, name: text }),
  rootKey: z.strictObject({ provider: text, epoch: count, state: text }),
  ledger: z.strictObject({ waiting: count, lagMs: z.number() }),
  requests: z.strictObject({ refused: count }),
  dataKeys: z.strictObject({ cached: count, hits: count, misses: count }),
  signals: z.strictObject({ failed: count, dropped: count, lastFailureAt: date.optional() }),
  tampering: text.optional(),
  anchors: z.array(anchor),
  lastVerification: verified.optional(),
  countingSince: date.optional(),
  mark: z.strictObject({ ok: flag, size: count, lostAt: date.optional() }).optional(),
  chain: z.strictObject({ size: count, revision: count }).optional(),
})

const reason = z.strictObject({ status: text, about: text, message: text })

/** How the KMS is. */
export const health = shape<Health>()({
  ...house.shape,
  status: text,
  reasons: z.array(reason),
  checkedAt: date,
  recorded: flag,
})
