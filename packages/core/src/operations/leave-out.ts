import { z } from 'zod'
import { leaveOut } from '../keys/leave-out.ts'
import type { ChangeOperation } from '../runtime.ts'
import type { VersionRow } from '../state/rows.ts'

/** Versions of keys that were restored without their material. */
export interface LeaveOutRequest {
  readonly versions: readonly VersionRow[]
}

const row = z.custom<VersionRow>((value) => typeof value === 'object' && value !== null)
const schema = z.strictObject({ versions: z.array(row).max(40) })

/** Says of versions that their material is not there: they are destroyed, and a key that had one of them as its current one is disabled. */
export const leaveOutVersions: ChangeOperation<LeaveOutRequest, z.output<typeof schema>, undefined> = {
  action: 'restoreWithout',
  effect: 'change',
  schema,
  perform: async ({ versions }, change) => {
    await change.authorize('restoreWithout')
    const mark = { actor: change.actor.id, now: change.now, reason: 'left out of the backup' }
    for (const version of versions) await leaveOut(change.set, version, mark)
    change.note({ versions: versions.length })
    return undefined
  },
}
