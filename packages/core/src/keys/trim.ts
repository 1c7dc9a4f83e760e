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
  for await (const version of trimmable(change, by)) {
    if (destroyed.length === versionsAtOnce) return { destroyed, more: true }
    requireVersionTransition(version, 'destroyed')
    await destroyVersion(change, version, by)
    destroyed.push(version.version)
  }
  return { destroyed, more: false }
}

/** Whether there is a version that {@link trimVersions} would destroy. */
export async function mayTrim(change: ChangeSet, by: Trimming): Promise<boolean> {
  const { done } = await trimmable(change, by).next()
  return done !== true
}

/** Versions that may be destroyed now, the oldest first. */
async function* trimmable(change: ChangeSet, by: Trimming): AsyncGenerator<VersionRow, void, undefined> {
  let after = 0
  for (;;) {
    const page = decodeVersions(await change.page('versions', [by.key.id], after))
    for (const version of page) {
      if (version.version >= by.key.minDecryptVersion) return
      if (isTrimmable(version, by)) yield version
    }
    const last = page.at(-1)
    if (last === undefined) return
    after = last.version
  }
}

type Trimming = Pick<Destroyer, 'key' | 'mark'>

/** Which versions were destroyed. */
export interface Trimmed {
  readonly destroyed: readonly number[]
  readonly more: boolean
}

function isTrimmable(version: VersionRow, { key, mark }: Trimming): boolean {
  const mayGo = versionStates[version.state].to.includes('destroyed') && version.version !== key.currentVersion
  return mayGo && version.stateChangedAt + leastMs <= mark.now
}
