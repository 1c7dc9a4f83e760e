import { grantOperation } from '../../access/grant-operation.ts'
import { prunedLog } from '../../audit/pruned.ts'
import { countedFrom } from '../../audit/usage/counted.ts'
import type { ChangeSet } from '../../state/change-set.ts'
import type { KeyRow } from '../../state/rows.ts'
import type { Row } from '../../storage/table.ts'

/** When a key was last used, as far as its newest records say. */
export interface LastUse {
  /** In milliseconds since 1970; `undefined` where it never was. */
  readonly at: number | undefined
  /** Whether the records were too many to look at all, or were pruned: then it was not used after `at`. */
  readonly isBound: boolean
}

const pageOf = 200
/** So many newest records of a key are looked at: those of refusals, descriptions and changes are among them. */
const mostRecords = 2000

/** When the key last did what it is for. */
export async function lastUseOf(set: ChangeSet, { id, createdAt }: KeyRow): Promise<LastUse> {
  let last: Row | undefined
  for (let seen = 0; seen < mostRecords; seen += pageOf) {
    const before = last === undefined ? undefined : [last['seq'] as number]
    const page = await set.newest('records', 'by_key', { prefix: [id], before, limit: pageOf })
    const used = page.find(isUse)
    if (used !== undefined) return { at: used['ts'] as number, isBound: false }
    if (page.length < pageOf) return prunedUse(set, createdAt)
    last = page.at(-1)
  }
  return { at: last?.['ts'] as number, isBound: true }
}

/** A use whose record was pruned was at the latest when the oldest record was made that is left. */
async function prunedUse(set: ChangeSet, createdAt: number): Promise<LastUse> {
  const pruned = await set.read(prunedLog)
  if (pruned === undefined) return { at: undefined, isBound: false }
  const [oldest] = await set.among('records', [[pruned.size]])
  const at = (oldest?.['ts'] as number | undefined) ?? Infinity
  return at < createdAt ? { at: undefined, isBound: false } : { at, isBound: true }
}

/** Whether a record is of a key that did what it is for; of a many-verb, for some of its items at least. */
export function isUse(row: Row): boolean {
  if (!isUseOf(row['action'] as string)) return false
  return row['status'] === 'SUCCESS' || (row['status'] === 'FAILURE' && isUseInPart(row))
}

/** A many-verb of which an item failed is a failure. What cannot be read is taken for a use: nothing is deleted for it. */
function isUseInPart(row: Row): boolean {
  try {
    return (countedFrom(row).draft.counts?.ok ?? 0) > 0
  } catch {
    return true
  }
}

/** Whether an operation is what a key is for. */
export function isUseOf(action: string): boolean {
  return action !== 'listDataKeys' && grantOperation(action)?.usage !== undefined
}
