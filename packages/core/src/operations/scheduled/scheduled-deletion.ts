import { StorageTamperedError } from '../../errors.ts'
import { dayMs } from '../../keys/validity.ts'
import type { ChangeWalk } from '../../runtime.ts'
import type { KeyRow } from '../../state/rows.ts'

const leastMs = 7 * dayMs
const recordsLookedAt = 500

/**
 * That a deletion was scheduled at least 7 days ago is said twice: by the key, and by the newest record of its scheduling
 * where that is among the key's newest records. A due date that somebody put back destroys nothing.
 *
 * @throws StorageTamperedError
 */
export async function requireScheduledLongAgo({ set, now }: ChangeWalk, key: KeyRow): Promise<void> {
  const { deletionDueAt, stateChangedAt } = key
  if (deletionDueAt === null || deletionDueAt - stateChangedAt < leastMs || now - stateChangedAt < leastMs) {
    throw new StorageTamperedError('the deletion of a key is due earlier than it can have been scheduled')
  }
  const records = await set.newest('records', 'by_key', { prefix: [key.id], limit: recordsLookedAt })
  const scheduling = records.find(({ action, status }) => action === 'scheduleKeyDeletion' && status === 'SUCCESS')
  if (scheduling === undefined || (scheduling['ts'] as number) === stateChangedAt) return
  throw new StorageTamperedError('the deletion of a key was scheduled at another time than it says')
}
