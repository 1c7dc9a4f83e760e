import type { ChangeSet } from '../state/change-set.ts'
import { decodeVersions } from '../state/decode.ts'
import { moveKey } from './store.ts'
import { destroyVersion, versionsAtOnce, type Destroyer } from './trim.ts'

/**
 * Destroys a key whose deletion is due: the material of its versions, oldest first, and in the change that destroys the
 * last of them the key itself. What remains says that there was one. A crash in between leaves it `PendingDeletion` and
 * due, so that it can neither be used nor called off, and whoever comes next goes on.
 *
 * @throws InvalidKeyStateError
 */
export async function destroyKey(change: ChangeSet, by: Destroyer): Promise<{ destroyed: number; more: boolean }> {
  let destroyed = 0
  let after = 0
  for (;;) {
    const page = decodeVersions(await change.page('versions', [by.key.id], after))
    for (const version of page) {
      if (version.state === 'destroyed') continue
      if (destroyed === versionsAtOnce) return { destroyed, more: true }
      await destroyVersion(change, version, by)
      destroyed += 1
    }
    const last = page.at(-1)
    if (last === undefined) break
    after = last.version
  }
  await moveKey(change, by.key, { from: ['PendingDeletion'], state: 'Destroyed', mark: by.mark })
  return { destroyed, more: false }
}
