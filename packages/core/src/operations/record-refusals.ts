import { z } from 'zod'
import type { UseOperation } from '../runtime.ts'

/** Requests that an adapter refused before anybody was known to ask. */
export interface RecordRefusalsRequest {
  /** How many, since the last time. */
  readonly count: number
}

const schema = z.strictObject({ count: z.int().min(1) })

/** Records that requests were refused because nobody was known by what they brought: how many, and not one by one. */
export const recordRefusals: UseOperation<RecordRefusalsRequest, z.output<typeof schema>, Record<never, never>> = {
  action: 'refuseRequest',
  effect: 'use',
  schema,
  perform: async ({ count }, walk) => {
    await walk.authorize('refuseRequest')
    walk.note({ count })
    return {}
  },
}
