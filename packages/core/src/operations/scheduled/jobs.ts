import { settleKey, settleVersion, type Job } from '../../keys/due.ts'
import { destroyKey } from '../../keys/destroy.ts'
import { findVersion } from '../../keys/find.ts'
import { requireVersionTransition } from '../../keys/state.ts'
import { moveKey, nextVersion, rotateKey, stateColumns } from '../../keys/store.ts'
import { dayMs } from '../../keys/validity.ts'
import type { ChangeOperation, ChangeWalk } from '../../runtime.ts'
import { requireDeletable } from '../shared/deletable.ts'
import { dueOperation, type DueItem, type DueProgress, type DueWork } from './due-item.ts'
import { requireScheduledLongAgo } from './scheduled-deletion.ts'

const done: DueProgress = Object.freeze({ more: false })
/** How long a key that is cleaned up can still be saved. */
const cleanUpDays = 30

const rotate = async (change: ChangeWalk, { key, mark }: DueWork): Promise<DueProgress> => {
  const version = nextVersion(key)
  const wrapped = change.keyring.wrapFresh(key, version, await change.material({ spec: key.spec }))
  change.subject(await rotateKey(change.set, key, { version, ...wrapped, mark }))
  return done
}

const expireVersion = async (change: ChangeWalk, { key }: DueWork): Promise<DueProgress> => {
  change.note({ version: key.currentVersion })
  await settleKey(change.set, key, key.currentVersion)
  return done
}

const expireKey = async (change: ChangeWalk, { key, mark }: DueWork): Promise<DueProgress> => {
  await moveKey(change.set, key, { from: ['Enabled'], state: 'Disabled', mark })
  return done
}

const cleanUp = async (change: ChangeWalk, { key, mark }: DueWork): Promise<DueProgress> => {
  await requireDeletable(change, key)
  const deletionDueAt = change.now + cleanUpDays * dayMs
  change.note({ pendingWindowInDays: cleanUpDays })
  const from = ['Enabled', 'Disabled', 'PendingImport'] as const
  await moveKey(change.set, key, { from, state: 'PendingDeletion', mark, deletionDueAt })
  return done
}

const destroy = async (change: ChangeWalk, { key, mark }: DueWork): Promise<DueProgress> => {
  await requireScheduledLongAgo(change, key)
  const { destroyed, more } = await destroyKey(change.set, { key, keyring: change.keyring, mark })
  change.note({ destroyed })
  return { more }
}

/** Whatever became of the key meanwhile, nothing decrypts with this version any more: its state says so from now on. */
const stop =
  (state: 'disabled' | 'revoked') =>
  async (change: ChangeWalk, { key, version: number, mark }: DueWork): Promise<DueProgress> => {
    const version = await findVersion(change.set, key, number)
    requireVersionTransition(version, state)
    const priorState = state === 'disabled' ? version.state : null
    const stopped = await change.set.update('versions', version, { state, priorState, ...stateColumns(mark) })
    await settleVersion(change.set, stopped)
    return done
  }

const settle = async (change: ChangeWalk, { key, version }: DueWork): Promise<DueProgress> => {
  if (version === 0) await settleKey(change.set, key)
  else await settleVersion(change.set, await findVersion(change.set, key, version))
  return done
}

/** The operations that do what is due, by job. */
export const dueOperations: Readonly<Record<Job, ChangeOperation<DueItem, DueItem, DueProgress>>> = Object.freeze({
  rotate: dueOperation({ job: 'rotate', action: 'rotateKey', why: 'rotationPeriodDays', perform: rotate }),
  expireVersion: dueOperation({
    job: 'expireVersion',
    action: 'expireVersion',
    why: 'expiresAfterDays',
    perform: expireVersion,
  }),
  expireKey: dueOperation({ job: 'expireKey', action: 'expireKey', why: 'validUntil', perform: expireKey }),
  cleanUp: dueOperation({
    job: 'cleanUp',
    action: 'scheduleKeyDeletion',
    why: 'retainAfterExpiryDays',
    perform: cleanUp,
  }),
  destroy: dueOperation({ job: 'destroy', action: 'destroyKey', why: 'its deletion is due', perform: destroy }),
  disable: dueOperation({ job: 'disable', action: 'disableKey', why: 'gracePeriodDays', perform: stop('disabled') }),
  revoke: dueOperation({ job: 'revoke', action: 'revokeKey', why: 'gracePeriodDays', perform: stop('revoked') }),
  settle: dueOperation({ job: 'settle', action: 'settleDue', why: 'nothing is due any more', perform: settle }),
})

/** Jobs that nothing brings back: they wait while the clock is in doubt. */
export const irreversible: ReadonlySet<Job> = new Set<Job>(['destroy', 'revoke'])
