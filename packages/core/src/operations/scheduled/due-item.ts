import { z } from 'zod'
import { ConflictError } from '../../errors.ts'
import { dueOf, keyJobAt, messagesOf, versionJobAt, type Job } from '../../keys/due.ts'
import { findVersion } from '../../keys/find.ts'
import { isSpent } from '../../keys/messages.ts'
import { versionOf } from '../../keys/queries.ts'
import type { Mark } from '../../keys/store.ts'
import type { ChangeOperation, ChangeWalk } from '../../runtime.ts'
import type { DueRow } from '../../state/lifecycle-rows.ts'
import type { KeyRow } from '../../state/rows.ts'
import { id } from '../shared/fields.ts'

/** Something that is due, as it was claimed. */
export interface DueItem {
  readonly keyId: string
  /** A version of the key; 0 for the key itself. */
  readonly version: number
  /** Revision of its row since the claim: whoever claims it later, or changes its key, fences this one off. */
  readonly rev: number
  readonly holder: string
}

/** The fields of {@link DueItem}, for schemas. */
export const dueItemFields = {
  keyId: id,
  version: z.int().min(0).max(0xffff_ffff),
  rev: z.int().min(1),
  holder: id,
}

const schema = z.strictObject(dueItemFields)

/** Whether there is more to do of the same. */
export interface DueProgress {
  readonly more: boolean
}

/** A key, and the job that is done to it. */
export interface DueWork {
  readonly key: KeyRow
  readonly version: number
  readonly mark: Mark
}

/** A job, the action as which it is recorded, and how it is done. */
export interface DueJob {
  readonly job: Job
  readonly action: string
  readonly why: string
  readonly perform: (change: ChangeWalk, work: DueWork) => Promise<DueProgress>
}

/**
 * An operation that does what is due, for whoever claimed it last, and only while it is due: both are decided inside the
 * transaction that does and records it.
 */
export function dueOperation({ job, action, why, perform }: DueJob): ChangeOperation<DueItem, DueItem, DueProgress> {
  return {
    action,
    effect: 'change',
    schema,
    perform: async (item, change) => {
      const key = await change.key(action, item.keyId)
      if (item.version > 0) change.note({ version: item.version })
      const row = await change.set.read(dueOf(item.keyId, item.version))
      if (row?.rev !== item.rev || row.holder !== item.holder)
        throw new ConflictError('somebody else has taken it over')
      const due = await jobOf(change, key, row)
      if (due.job !== job) throw new ConflictError('it is no longer due')
      const reason = due.why ?? why
      change.note({ why: reason })
      const mark = { actor: change.actor.id, now: change.now, reason }
      return perform(change, { key, version: item.version, mark })
    },
  }
}

interface DueNow {
  readonly job: Job
  /** Why, where that is not what the job says. */
  readonly why?: string | undefined
}

async function jobOf({ set, now }: ChangeWalk, key: KeyRow, row: DueRow): Promise<DueNow> {
  if (row.version > 0) return { job: versionJobAt(key, await set.read(versionOf(key.id, row.version)), now) }
  const current = await findVersion(set, key, key.currentVersion)
  const messages = await messagesOf(set, key)
  const job = keyJobAt({ key, current, toldOf: row.toldOf, messages }, now)
  return { job, why: job === 'rotate' && isSpent(key, messages) ? 'rotateAfterMessages' : undefined }
}
