import type { ChangeSet } from '../state/change-set.ts'
import type { KeyRow, VersionRow } from '../state/rows.ts'
import { decodeVersions } from '../state/decode.ts'
import { settleVersion } from './due.ts'
import type { Keyring } from './keyring.ts'
import { importOf } from './queries.ts'
import { requireVersionTransition, versionStates } from './state.ts'
import { stateColumns, type Mark } from './store.ts'
import { dayMs } from './validity.ts'

/** So many versions are destroyed in one change: its record names each, and what goes with it. */
export const versionsAtOnce = 24
/** So long a version must have been out of use. */
const leastMs = 7 * dayMs

/** Takes the material of a version away for ever, and all that is known of it. */
export async function destroyVersion(change: ChangeSet, version: VersionRow, by: Destroyer): Promise<void> {
  const erased = { material: null, publicKey: null, graceEndsAt: null }
  const state = { state: 'destroyed', priorState: null, ...stateColumns(by.mark) } as const
  await settleVersion(change, await change.update('versions', version, { ...erased, ...state }))
  const imported = await change.read(importOf(version.keyId, version.version))
  if (imported !== undefined) await change.remove('imports', imported)
  by.keyring.forget(by.key, version.version)
}

/** Who destroys versions of which key, and what must forget them. */
export interface Destroyer {
  readonly key: KeyRow
  readonly keyring: Keyring
  readonly mark: Mark
}

/**
 * Destroys the oldest versions below `minDecryptVersion` that were retired or revoked 7 days ago or more.
 *
 * @returns their numbers, and whether there may be more.
 */
export async function trimVersions(change: ChangeSet, by: Destroyer): Promise<Trimmed> {
  const destroyed: number[] = []
  let after = 0
  for (;;) {
    const page = decodeVersions(await change.page('versions', [by.key.id], after))
    for (const version of page) {
      if (version.version >= by.key.minDecryptVersion) return { destroyed, more: false }
      if (!isTrimmable(version, by)) continue
      if (destroyed.length === versionsAtOnce) return { destroyed, more: true }
      requireVersionTransition(version, 'destroyed')
      await destroyVersion(change, version, by)
      destroyed.push(version.version)
    }
    const last = page.at(-1)
    if (last === undefined) return { destroyed, more: false }
    after = last.version
  }
}

/** Which versions were destroyed. */
export interface Trimmed {
  readonly destroyed: readonly number[]
  readonly more: boolean
}

function isTrimmable(version: VersionRow, { key, mark }: Destroyer): boolean {
  const mayGo = versionStates[version.state].to.includes('destroyed') && version.version !== key.currentVersion
  return mayGo && version.stateChangedAt + leastMs <= mark.now
}
