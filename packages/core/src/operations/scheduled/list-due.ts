import { z } from 'zod'
import { isKmsError } from '../../errors.ts'
import { keyJobAt, messagesOf, versionJobAt, type Job } from '../../keys/due.ts'
import type { UseOperation } from '../../runtime.ts'
import { decodeKeys, decodeVersions } from '../../state/decode.ts'
import type { DueRow } from '../../state/lifecycle-rows.ts'
import { rowsAs, type KeyRow } from '../../state/rows.ts'
import { TransactionView } from '../../state/view.ts'
import type { StorageReader } from '../../storage/adapter.ts'
import type { DueItem } from './due-item.ts'

/** A place in the list of what is due. */
export type DuePlace = readonly [wakeAt: number, keyId: string, version: number]

/** Which part of the list. */
export interface ListDueRequest {
  readonly limit: number
  readonly after?: DuePlace | undefined
}

/** Something that is due, and what it is. */
export interface Due extends Omit<DueItem, 'holder'> {
  readonly job: Job
}

/** A part of the list. */
export interface DueList {
  readonly items: readonly Due[]
  /** Where it goes on; `undefined` where nothing more is due. */
  readonly next: DuePlace | undefined
}

const schema = z.strictObject({
  limit: z.int().min(1).max(1000),
  after: z.tuple([z.int(), z.string(), z.int()]).optional(),
})

/** What is due now, and nobody has claimed. It reads no more than that, however many keys there are. */
export const listDue: UseOperation<ListDueRequest, z.output<typeof schema>, DueList> = {
  action: 'listDue',
  effect: 'read',
  schema,
  perform: async ({ limit, after }, walk) => {
    await walk.authorize('listDue')
    return walk.snapshot(async (reader, { tenant }) => {
      const range = { index: 'by_wake_time', prefix: [tenant], after, limit }
      const rows = rowsAs<DueRow>(await reader.range('due', range))
      const ready = rows.filter(({ wakeAt }) => wakeAt <= walk.now)
      const items: Due[] = []
      for (const row of ready) items.push(await dueOfRow(reader, row, walk.now))
      const last = ready.length === limit ? ready.at(-1) : undefined
      return { items, next: last === undefined ? undefined : [last.wakeAt, last.keyId, last.version] }
    })
  },
}

async function dueOfRow(reader: StorageReader, row: DueRow, now: number): Promise<Due> {
  const { keyId, version, rev } = row
  return { keyId, version, rev, job: await jobOf(reader, row, now) }
}

/** What does not verify is left to whoever does it: the error is recorded there, and holds up nothing else. */
async function jobOf(reader: StorageReader, row: DueRow, now: number): Promise<Job> {
  try {
    return await intactJobOf(reader, row, now)
  } catch (error) {
    if (isKmsError(error, 'STORAGE_TAMPERED')) return 'settle'
    throw error
  }
}

async function intactJobOf(reader: StorageReader, row: DueRow, now: number): Promise<Job> {
  const { tenant, keyId, version, toldOf } = row
  const found = await reader.get('keys', [tenant, keyId])
  if (found === undefined) return 'settle'
  const key = decodeKeys([found])[0] as KeyRow
  const number = version === 0 ? key.currentVersion : version
  const of = await reader.get('versions', [tenant, keyId, number])
  const versionRow = of === undefined ? undefined : decodeVersions([of])[0]
  if (version > 0) return versionJobAt(key, versionRow, now)
  if (versionRow === undefined) return 'settle'
  const messages = await messagesOf(new TransactionView(reader, tenant), key)
  return keyJobAt({ key, current: versionRow, toldOf, messages }, now)
}
