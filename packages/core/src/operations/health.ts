import { z } from 'zod'
import { isKmsError } from '../errors.ts'
import type { HouseHealth } from '../house-health.ts'
import type { UseOperation } from '../runtime.ts'

/** How the KMS is. */
export interface Health extends HouseHealth {
  /** `degraded` where the storage cannot be read, something in it does not verify, an anchor knows another log, or this could not be recorded. */
  readonly status: 'ok' | 'degraded'
  /** Whether this was recorded. */
  readonly recorded: boolean
}

const schema = z.strictObject({})

/** Says how the KMS is. Answers even where that cannot be recorded, or nothing can be read. */
export const health: UseOperation<Record<never, never>, z.output<typeof schema>, Health> = {
  action: 'health',
  effect: 'read',
  schema,
  perform: async (_, walk) => {
    try {
      await walk.authorize('health')
    } catch (error) {
      if (isKmsError(error, 'ACCESS_DENIED')) throw error
    }
    return { ...(await walk.house.health()), status: 'degraded', recorded: false }
  },
  mark: (result, recorded) => {
    const isRewritten = result.anchors.some(({ state }) => state === 'conflict')
    const well = recorded && result.storage.ok && result.chain !== undefined && result.tampering === undefined
    return { ...result, recorded, status: well && !isRewritten ? 'ok' : 'degraded' }
  },
}
