import type {
  AliasDescription,
  AuditRecord,
  DataKeyDescription,
  GrantDescription,
  KeyDescription,
  KeyPolicyDescription,
  KeyVersionDescription,
  QuotaDescription,
  RecordChange,
} from '@chatelaine/core'
import { z } from 'zod'
import { count, date, flag, pairs, shape, text } from './shape.ts'

/** The policies of a key. */
export const policies = shape<KeyPolicyDescription>()({
  rotationPeriodDays: count.optional(),
  rotateAfterMessages: count.optional(),
  maxMessageBytes: count.optional(),
  gracePeriodDays: count.optional(),
  afterGrace: text.optional(),
  expiresAfterDays: count.optional(),
  retainAfterExpiryDays: count.optional(),
  validFrom: date.optional(),
  validUntil: date.optional(),
  deletionProtection: flag,
  deletionUnusedDays: count.optional(),
})

/** An alias. */
export const alias = shape<AliasDescription>()({
  alias: text,
  keyId: text,
  createdAt: date,
  createdBy: text,
  retargetedAt: date.optional(),
  retargetedBy: text.optional(),
})

/** A quota. */
export const quota = shape<QuotaDescription>()({
  name: text,
  operation: text,
  per: text,
  limit: count,
  windowSeconds: count,
  createdAt: date,
  createdBy: text,
  changedAt: date,
  changedBy: text,
})

/** A key. */
export const key = shape<KeyDescription>()({
  id: text,
  name: text.optional(),
  spec: text,
  usage: text,
  origin: text,
  exportable: flag,
  state: text,
  currentVersion: count,
  minDecryptVersion: count,
  ...policies.shape,
  description: text.optional(),
  tags: pairs,
  owner: text.optional(),
  createdAt: date,
  createdBy: text,
  stateChangedAt: date,
  stateChangedBy: text,
  stateReason: text.optional(),
  materialExpiresAt: date.optional(),
  deletionDueAt: date.optional(),
})

/** A version of a key. */
export const version = shape<KeyVersionDescription>()({
  keyId: text,
  version: count,
  state: text,
  graceEndsAt: date.optional(),
  expiresAt: date.optional(),
  retainedUntil: date.optional(),
  createdAt: date,
  stateChangedAt: date,
  stateChangedBy: text,
  stateReason: text.optional(),
})

/** A grant. */
export const grant = shape<GrantDescription>()({
  id: text,
  name: text.optional(),
  principal: text,
  keyId: text,
  operations: z.array(text),
  constraints: z.strictObject({ contextEquals: pairs.optional(), contextSubset: pairs.optional() }),
  expiresAt: date.optional(),
  createdAt: date,
  createdBy: text,
})

/** A named data key. */
export const dataKey = shape<DataKeyDescription>()({
  id: text,
  keyId: text,
  spec: text.optional(),
  numberOfBytes: count,
  currentVersion: count,
  createdAt: date,
  createdBy: text,
  rotatedAt: date.optional(),
})

const change = shape<RecordChange>()({
  previous: z.int().min(-1),
  previousHash: text,
  revision: count,
  rows: z.array(z.strictObject({ table: text, key: z.array(z.union([text, z.number(), z.null()])), rev: count })),
  stateRoot: text,
})

/** An audit record. */
export const record = shape<AuditRecord>()({
  seq: count,
  hash: text,
  prev: text,
  ts: text,
  clockSkewMs: count.optional(),
  durationMs: z.number(),
  tenant: text,
  actor: text,
  role: text,
  action: text,
  status: z.enum(['SUCCESS', 'DENIED', 'FAILURE']),
  code: text.optional(),
  reason: text.optional(),
  keyId: text.optional(),
  keyVersion: count.optional(),
  owner: text.optional(),
  requestId: text.optional(),
  context: z.array(text).optional(),
  counts: z.strictObject({ ok: count, failed: count }).optional(),
  digest: text.optional(),
  details: z.record(text, z.union([text, z.number(), flag])).optional(),
  change: change.optional(),
  writer: text,
  writerSeq: count,
  v: count,
})

/** What is wrong with a log. */
export const problem = z.strictObject({ seq: count, kind: text, expected: text, found: text })
