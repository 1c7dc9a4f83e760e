import { z } from 'zod'
import { readPruned } from '../audit/pruned.ts'
import { ConflictError, StorageTamperedError } from '../errors.ts'
import type { UseOperation } from '../runtime.ts'

/** Which records to read, as they are stored. */
export interface AuditTextsRequest {
  /** The first one's place. */
  readonly from: number
  /** How many, 1 to 256. */
  readonly count: number
}

/** Records as they are stored, and the checkpoints among them. */
export interface AuditTexts {
  /** Their texts, in order. */
  readonly texts: readonly string[]
  /** Stored checkpoints that end in one of them, by size. */
  readonly notes: ReadonlyMap<number, string>
}

const schema: z.ZodType<AuditTextsRequest, AuditTextsRequest> = z.strictObject({
  from: z.int().min(0),
  count: z.int().min(1).max(256),
})

/** Reads texts of records for an export, which was recorded when it began. */
export const readAuditTexts: UseOperation<AuditTextsRequest, AuditTextsRequest, AuditTexts> = {
  action: 'exportAudit',
  effect: 'read',
  schema,
  perform: async ({ from, count }, walk) => {
    await walk.authorize('exportAudit')
    return walk.snapshot(async (reader, { tenant }) => {
      const rows = await reader.range('records', { prefix: [tenant], after: [from - 1], limit: count })
      if (rows.length < count || rows.some((row, i) => row['seq'] !== from + i)) {
        const pruned = (await readPruned(reader, tenant))?.size ?? 0
        if (pruned > from)
          throw new ConflictError(`the records before ${pruned} were pruned meanwhile: export what is left`)
        throw new StorageTamperedError(`a record from ${from} on is missing`)
      }
      const found = await reader.range('checkpoints', { prefix: [tenant], after: [from], limit: count })
      const notes = found.map((row) => [row['size'] as number, row['note'] as string] as const)
      return { texts: rows.map((row) => row['text'] as string), notes: new Map(notes) }
    })
  },
}
