import { jcs } from '../../internal/jcs.ts'
import type { KeyState } from '../../state/rows.ts'
import { keyStateNames } from '../../state/rows.ts'
import type { Row } from '../../storage/table.ts'
import { countOf, decodeActions, encodeActions, membersOf } from './encoding.ts'
import type { ByAction } from './tally.ts'

/** How many keys there are in each state. */
export type KeyCounts = Readonly<Record<KeyState, number>>

/** The last verification of the audit log. */
export interface LastVerification {
  readonly seq: number
  readonly at: number
  readonly ok: boolean
  readonly records: number
}

/**
 * What is true as of a row, and carried on from row to row: where the rows of the hour stand, and what is counted since
 * the beginning.
 *
 * The rows of an hour are in levels. A row of level 0 counts the records of one batch or a few; when there are four of
 * a level, the next one counts all of them again together with what is new, one level higher. So there are at most four
 * of each, whatever the number of records, and each record is counted once in each level that it reached.
 */
export interface Standing {
  /** For each level, up to where rows of it or higher ones count. */
  readonly ends: readonly number[]
  /** For each level, how many rows of it count beyond that of the next higher one. */
  readonly rows: readonly number[]
  /** Where the records of the hour begin. */
  readonly hourFrom: number
  /** Where the records of the day begin. */
  readonly dayFrom: number
  /** Time of the first record that was counted. */
  readonly since: number
  /** How many records were passed over, because counting had failed for a while. */
  readonly uncounted: number
  /** Numbers by operation, of all records since then. */
  readonly total: ByAction
  /** `undefined` where there were too many keys to count them when counting began, or began again. */
  readonly keys: KeyCounts | undefined
  readonly verified: LastVerification | undefined
}

/** How many levels an hour has. */
export const levels = 10
/** How many rows of a level there are before the next one is of a higher level. */
export const rowsPerLevel = 4
/** Levels of the rows of hours and days that are over. */
export const hourLevel = 20
export const dayLevel = 21
/** A batch counts in a row of its own when so many records have no row yet: 64 callers at a time, one batch of two. */
export const blockRecords = 65

const hourMs = 3_600_000

/** The hour of a time, counted from 1970 in UTC. */
export function hourOf(ms: number): number {
  return Math.floor(ms / hourMs)
}

/** The day of an hour, counted from 1970 in UTC. */
export function dayOf(hour: number): number {
  return Math.floor(hour / 24)
}

/** When an hour begins. */
export function startOf(hour: number): number {
  return hour * hourMs
}

/** What stands where an hour begins. */
export function standingAt(seq: number): Pick<Standing, 'ends' | 'rows' | 'hourFrom'> {
  return {
    ends: Array.from({ length: levels }, () => seq),
    rows: Array.from({ length: levels }, () => 0),
    hourFrom: seq,
  }
}

/** No keys at all. */
export const noKeys: KeyCounts = Object.freeze({
  Enabled: 0,
  Disabled: 0,
  PendingImport: 0,
  PendingDeletion: 0,
  Revoked: 0,
  Destroyed: 0,
})

/** Counts of keys after some of them moved. */
export function moveKeys(keys: KeyCounts, moves: ReadonlyMap<string, number>): KeyCounts {
  const counts = keyStateNames.map((state) => [state, Math.max(0, keys[state] + (moves.get(state) ?? 0))] as const)
  return Object.fromEntries(counts) as unknown as KeyCounts
}

/** The text that stands in a row. */
export function encodeStanding({
  ends,
  rows,
  hourFrom,
  dayFrom,
  since,
  uncounted,
  total,
  keys,
  verified,
}: Standing): string {
  const members = {
    ends,
    rows,
    hourFrom,
    dayFrom,
    since,
    uncounted,
    keys: keys ?? null,
    verified: verified === undefined ? null : { ...verified },
  }
  return `{"standing":${jcs(members)},"total":${encodeActions(total)}}`
}

/** Reads what stands in a row. @throws TypeError */
export function decodeStanding(row: Row): Standing {
  const { standing, total } = membersOf(JSON.parse(row['standing'] as string))
  const { ends, rows, keys, verified, ...numbers } = membersOf(standing)
  return {
    ends: countsOf(ends),
    rows: countsOf(rows),
    hourFrom: countOf(numbers['hourFrom']),
    dayFrom: countOf(numbers['dayFrom']),
    since: countOf(numbers['since']),
    uncounted: countOf(numbers['uncounted']),
    total: decodeActions(total),
    keys: keys === null ? undefined : keysOf(membersOf(keys)),
    verified: verified === null ? undefined : verifiedOf(membersOf(verified)),
  }
}

function countsOf(value: unknown): readonly number[] {
  if (!Array.isArray(value) || value.length !== levels) throw new TypeError('these are no levels')
  return value.map(countOf)
}

function keysOf(keys: Readonly<Record<string, unknown>>): KeyCounts {
  return Object.fromEntries(keyStateNames.map((state) => [state, countOf(keys[state])])) as unknown as KeyCounts
}

function verifiedOf({ seq, at, ok, records }: Readonly<Record<string, unknown>>): LastVerification {
  return { seq: countOf(seq), at: countOf(at), ok: ok === true, records: countOf(records) }
}
