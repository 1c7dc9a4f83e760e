import { z } from 'zod'
import { countsNothing, decodeQuotas, type QuotaUse } from '../../access/quota.ts'
import { limits } from '../../internal/defaults.ts'
import { isKmsError } from '../../errors.ts'
import type { UseOperation } from '../../runtime.ts'
import type { QuotaRow, QuotaUseRow } from '../../state/lifecycle-rows.ts'
import { rowsAs } from '../../state/rows.ts'

/** A place among the rows of what quotas count. */
export type UsesPlace = readonly [operation: string, name: string, subject: string]

/** From where on to look. */
export interface ListPastUsesRequest {
  readonly after?: UsesPlace | undefined
}

/** Rows that count nothing any more. */
export interface PastUses {
  readonly uses: readonly QuotaUse[]
  /** Where to look next; `undefined` where it begins anew. */
  readonly next: UsesPlace | undefined
}

const lookedAt = 100
const schema = z.strictObject({ after: z.tuple([z.string(), z.string(), z.string()]).optional() })

/** Looks at a few rows of what quotas count, and says which of them count nothing any more. */
export const listPastUses: UseOperation<ListPastUsesRequest, z.output<typeof schema>, PastUses> = {
  action: 'listPastUses',
  effect: 'read',
  schema,
  perform: async ({ after }, walk) => {
    await walk.authorize('listPastUses')
    return walk.snapshot(async (reader, { tenant }) => {
      const range = { prefix: [tenant], after, limit: lookedAt }
      const rows = rowsAs<QuotaUseRow>(await reader.range('quota_uses', range))
      const last = rows.length === lookedAt ? rows.at(-1) : undefined
      const next = last === undefined ? undefined : ([last.operation, last.name, last.subject] as const)
      if (rows.length === 0) return { uses: [], next }
      const quotas = decodeQuotas(await reader.range('quotas', { prefix: [tenant], limit: limits.items }))
      const past = rows.filter((row) => isOver(row, quotas, walk.now))
      return { uses: past.map(({ operation, name, subject }) => ({ operation, name, subject })), next }
    })
  },
}

/** What does not verify is left where it is: it is told to whoever is counted by it. */
function isOver(row: QuotaUseRow, quotas: readonly QuotaRow[], now: number): boolean {
  try {
    return countsNothing(row, quotas, now)
  } catch (error) {
    if (isKmsError(error, 'STORAGE_TAMPERED') || error instanceof SyntaxError) return false
    throw error
  }
}
