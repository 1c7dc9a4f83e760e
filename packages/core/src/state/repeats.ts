import type { ChangeSet } from './change-set.ts'
import type { Query } from './query.ts'
import { rowsAs } from './rows.ts'

/** A row of `repeats`: a change that was asked for under a name, and done. */
export interface RepeatRow {
  /** Keyed hash of principal and name. */
  readonly id: string
  /** Keyed hash of the operation and its request. */
  readonly request: string
  /** What the answer was about: the primary key of its row, as JSON. */
  readonly target: string
  /** Where its record stands. */
  readonly seq: number
  readonly createdAt: number
  readonly expiresAt: number
  readonly rev: number
}

/** What was done under a name. */
export function repeatOf(id: string): Query<RepeatRow | undefined> {
  return { table: 'repeats', key: [id], decode: (rows) => rowsAs<RepeatRow>(rows)[0] }
}

/** How many rows whose time has passed each new one takes away: more than come. */
const swept = 2

/** Remembers a change in place of one whose time has passed, if there is one, and sweeps up behind. */
export async function keepRepeat(
  change: ChangeSet,
  before: RepeatRow | undefined,
  row: Omit<RepeatRow, 'rev'>,
): Promise<void> {
  const taken = (): Error => new Error('a repeat that was not there is there')
  if (before === undefined) await change.insert('repeats', row, taken)
  else await change.update('repeats', before, row)
  const old = await change.newest('repeats', 'by_expiry', { prefix: [], before: [row.createdAt], limit: swept })
  for (const each of rowsAs<RepeatRow>(old)) if (each.id !== row.id) await change.remove('repeats', each)
}
