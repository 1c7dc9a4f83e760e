import { keyStateNames } from '../../state/rows.ts'
import type { Row } from '../../storage/table.ts'
import type { Head } from '../head.ts'
import type { AskedStorage } from './asked-storage.ts'
import { countedFrom, type Placed } from './counted.ts'
import { decodeStanding, hourOf, moveKeys, noKeys, standingAt, type KeyCounts, type Standing } from './standing.ts'
import { newestRow } from './usage-rows.ts'
import type { Tally } from './tally.ts'

/** Where counting stands, as one process knows it. */
export interface Place {
  /** The size of the log up to which {@link Place.tail} goes; unknown where others have written in between. */
  readonly size: number
  /** Whether the tail has every record from {@link Place.countedTo} on. */
  readonly isWhole: boolean
  /** The hour that the records are counted in. */
  readonly hour: number
  /** Up to here the records are counted in rows. */
  readonly countedTo: number
  /** The records that are in no row yet. */
  readonly tail: readonly Placed[]
  /** The rows of level 0 that are not counted again at a higher level, where this process has written them all. */
  readonly recent: readonly Tally[] | undefined
  readonly standing: Standing
}

/** More records than this without a row are not read again: they stay uncounted. */
export const readAgain = 512
/** More pages of keys than this are not counted when counting begins. */
const keyPages = 10

/** Where counting stands, and whether the keys were counted anew for it, as the batch leaves them. */
export interface FoundPlace {
  readonly place: Place
  readonly hasCountedKeys: boolean
}

/** Finds where counting stands, in the transaction of a batch. */
export async function findPlace(storage: AskedStorage, before: Head): Promise<FoundPlace> {
  const { tenant, size } = before
  const newest = await newestRow(storage, tenant, size)
  const known = placeOf(newest)
  const place = known ?? (await beginning(storage, before, newest))
  const from = Math.max(place.countedTo, size - readAgain)
  const rows = await recordsBetween(storage, { tenant, from, to: size })
  const hasMissedKeys = from > place.countedTo || rows.some(mayMoveKeys)
  const keys = known !== undefined && hasMissedKeys ? await countKeys(storage, tenant) : place.standing.keys
  const standing = { ...place.standing, uncounted: place.standing.uncounted + from - place.countedTo, keys }
  const found = { ...place, size, tail: rows.map(countedFrom), standing }
  return { place: found, hasCountedKeys: known === undefined || hasMissedKeys }
}

/** What touches keys, and moves none from one state to another. */
const movesNone: ReadonlySet<string> = new Set(['updateKey', 'rotateKey'])

/** A batch that moves a key has a row at once. Records without one were made while nothing was counted, moves among them. */
function mayMoveKeys({ action, text }: Row): boolean {
  return (text as string).includes('"table":"keys"') && !movesNone.has(action as string)
}

/** Where the newest row says that counting stands; `undefined` where there is none, or none of ours. */
function placeOf(row: Row | undefined): Place | undefined {
  try {
    if (row === undefined) return undefined
    const countedTo = row['toSeq'] as number
    const hour = row['hour'] as number
    return {
      size: countedTo,
      isWhole: true,
      hour,
      countedTo,
      tail: [],
      recent: undefined,
      standing: decodeStanding(row),
    }
  } catch {
    return undefined
  }
}

/** Counting begins with the first batch of a log; of one that is older, with as many records as are read again. */
async function beginning(storage: AskedStorage, { tenant, size, ts }: Head, newest: Row | undefined): Promise<Place> {
  const from = Math.max(newest === undefined ? 0 : (newest['toSeq'] as number), size - readAgain)
  const counts = { since: ts, uncounted: from, total: new Map<string, number[]>(), verified: undefined }
  const standing = { ...standingAt(from), dayFrom: from, ...counts, keys: await countKeys(storage, tenant) }
  return { size: from, isWhole: true, hour: hourOf(ts), countedTo: from, tail: [], recent: [], standing }
}

/** Counts the keys of a tenant in each state, if they are not too many. */
async function countKeys(storage: AskedStorage, tenant: string): Promise<KeyCounts | undefined> {
  const moves = new Map<string, number>(keyStateNames.map((state) => [state, 0]))
  let after: readonly string[] | undefined
  for (let page = 0; page < keyPages; page++) {
    const rows = await storage.range('keys', { prefix: [tenant], after, limit: 1000 })
    for (const row of rows) moves.set(row['state'] as string, (moves.get(row['state'] as string) ?? 0) + 1)
    if (rows.length < 1000) return moveKeys(noKeys, moves)
    after = [rows.at(-1)?.['id'] as string]
  }
  return undefined
}

/** Records of the log from one place to another. */
export async function recordsBetween(
  storage: Pick<AskedStorage, 'range'>,
  on: { readonly tenant: string; readonly from: number; readonly to: number },
): Promise<Row[]> {
  const { tenant, from, to } = on
  if (from >= to) return []
  const rows = await storage.range('records', { prefix: [tenant], after: [from - 1], limit: to - from })
  return rows.filter((row) => (row['seq'] as number) < to)
}
