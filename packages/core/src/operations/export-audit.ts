import { z } from 'zod'
import type { ExportPlan } from '../audit/proofs.ts'
import type { UseOperation } from '../runtime.ts'

/** Which part of the log to export. */
export interface ExportRange {
  /** The first record's place. @defaultValue the oldest record that is not pruned */
  readonly from?: number | undefined
  /** The place after the last record. @defaultValue the size of the log */
  readonly to?: number | undefined
}

const schema: z.ZodType<ExportRange, ExportRange> = z.strictObject({
  from: z.int().min(0).optional(),
  to: z.int().min(1).optional(),
})

/** Says what an export consists of, and signs the log that it is a part of. The records are read page by page. */
export const exportAudit: UseOperation<ExportRange, ExportRange, ExportPlan> = {
  action: 'exportAudit',
  effect: 'read',
  schema,
  perform: async (request, walk) => {
    await walk.authorize('exportAudit')
    const plan = await walk.house.proofs.exportPlan(request)
    walk.note({ from: plan.from, to: plan.to, size: plan.size })
    return plan
  },
}
