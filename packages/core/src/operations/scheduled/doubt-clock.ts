import { z } from 'zod'
import type { ChangeOperation } from '../../runtime.ts'

/** By how much the wall clock has stepped. */
export interface DoubtClockRequest {
  readonly stepMs: number
}

const schema = z.strictObject({ stepMs: z.int() })

/** Records that the wall clock has stepped, so that what cannot be undone waits. Changes nothing. */
export const doubtClock: ChangeOperation<DoubtClockRequest, z.output<typeof schema>, undefined> = {
  action: 'doubtClock',
  effect: 'change',
  schema,
  perform: async ({ stepMs }, change) => {
    await change.authorize('doubtClock')
    change.note({ stepMs })
    return undefined
  },
}
