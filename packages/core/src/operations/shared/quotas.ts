import { longestWindowSeconds, quotaOperations, type QuotaOperation } from '../../access/quota.ts'
import { quotaScopeNames, type QuotaRow, type QuotaScope } from '../../state/lifecycle-rows.ts'
import { z } from 'zod'
import { name } from './fields.ts'

/** How often an operation may be done in a window of time that moves along. */
export interface QuotaRequest {
  /** Which it is, among those on the operation: shaped as the name of a key. @defaultValue 'default' */
  readonly name?: string | undefined
  /** On which operation: one that changes the state or uses a key, by the name that a grant gives it. */
  readonly operation: QuotaOperation
  /** Of whom it counts: of each principal, of each owner of the keys that it is done to, or of all together. */
  readonly per: QuotaScope
  /** How often at most, 0 to 1,000,000,000. Of a many-verb each item counts. */
  readonly limit: number
  /** In how many seconds, 1 to 31,622,400. */
  readonly windowSeconds: number
}

/** A quota as it holds. */
export interface QuotaDescription {
  /** Which it is, among those on the operation. */
  readonly name: string
  /** On which operation. */
  readonly operation: string
  /** Of whom it counts. */
  readonly per: QuotaScope
  /** How often at most. */
  readonly limit: number
  /** In how many seconds. */
  readonly windowSeconds: number
  /** When it was made. */
  readonly createdAt: Date
  /** Who made it, by principal. */
  readonly createdBy: string
  /** When it was last changed. */
  readonly changedAt: Date
  /** Who changed it, by principal. */
  readonly changedBy: string
}

/** The fields that name a quota, for schemas. */
export const quotaPlaceFields = { name: name.optional(), operation: z.enum(quotaOperations) }

/** The fields of {@link QuotaRequest}, for schemas. */
export const quotaFields = {
  ...quotaPlaceFields,
  per: z.enum(quotaScopeNames),
  limit: z.int().min(0).max(1_000_000_000),
  windowSeconds: z.int().min(1).max(longestWindowSeconds),
}

/** What a quota is called that nobody calls otherwise. */
export const defaultQuotaName = 'default'

/** What callers are told of a quota's row. */
export function describeQuotaRow(row: QuotaRow): QuotaDescription {
  return {
    name: row.name,
    operation: row.operation,
    per: row.per,
    limit: row.most,
    windowSeconds: row.windowSeconds,
    createdAt: new Date(row.createdAt),
    createdBy: row.createdBy,
    changedAt: new Date(row.changedAt),
    changedBy: row.changedBy,
  }
}
