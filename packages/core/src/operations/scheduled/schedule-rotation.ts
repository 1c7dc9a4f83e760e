import { z } from 'zod'
import { settleKey } from '../../keys/due.ts'
import type { ChangeOperation } from '../../runtime.ts'
import { id } from '../shared/fields.ts'

/** Which key is to be rotated. */
export interface ScheduleRotationRequest {
  readonly keyId: string
}

const schema = z.strictObject({ keyId: id })

/**
 * Writes down that a key is to be rotated because its current version has protected as many messages as it is to: then
 * it is due, like everything else. A crash before leaves it to whoever counts the next messages of the version.
 */
export const scheduleRotation: ChangeOperation<ScheduleRotationRequest, z.output<typeof schema>, undefined> = {
  action: 'scheduleRotation',
  effect: 'change',
  schema,
  perform: async ({ keyId }, change) => {
    const key = await change.key('scheduleRotation', keyId)
    change.note({ why: 'rotateAfterMessages' })
    await settleKey(change.set, key)
    return undefined
  },
}
