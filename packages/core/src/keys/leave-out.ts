import type { ChangeSet } from '../state/change-set.ts'
import type { VersionRow } from '../state/rows.ts'
import { keyById } from './queries.ts'
import { stateColumns, type Mark } from './store.ts'

/**
 * Says of a version that its material was left out of the backup from which it was restored. Its row is the one of the
 * archive, without the material, in the place of one that the state knows by its hash alone.
 */
export async function leaveOut(set: ChangeSet, version: VersionRow, mark: Mark): Promise<void> {
  const gone = { state: 'destroyed', priorState: null, material: null, ...stateColumns(mark) } as const
  await set.update('versions', version, gone)
  const key = await set.read(keyById(version.keyId))
  if (key === undefined || key.state !== 'Enabled' || key.currentVersion !== version.version) return
  await set.update('keys', key, { state: 'Disabled', priorState: 'Enabled', ...stateColumns(mark) })
}
