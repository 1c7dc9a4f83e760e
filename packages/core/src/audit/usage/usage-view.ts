import type { StorageReader } from '../../storage/adapter.ts'
import type { Row } from '../../storage/table.ts'
import { countedFrom, lastVerificationIn, type Placed } from './counted.ts'
import type { UsageKind } from './encoding.ts'
import { recordsBetween } from './place.ts'
import {
  blockRecords,
  dayLevel,
  decodeStanding,
  hourLevel,
  hourOf,
  noKeys,
  type KeyCounts,
  type LastVerification,
  type Standing,
} from './standing.ts'
import { addActions, Tally, type ByAction } from './tally.ts'
import { addRow, eachLevel, newestRow } from './usage-rows.ts'

/** What is asked of the counts. */
export interface UsageQuestion {
  readonly tenant: string
  /** How many records the log has. */
  readonly size: number
  readonly kind: UsageKind
  /** The first hour of the window, which goes on to the end of the log. */
  readonly from: number
  /** Gives others a turn, where rows are large. @defaultValue they wait */
  readonly turn?: (() => Promise<void>) | undefined
}

/** What the counts say. */
export interface UsageAnswer {
  /** Counts of the window, of the kind that was asked for. */
  readonly tally: Tally
  /** Counts since counting began, by operation. */
  readonly total: ByAction
  readonly since: number | undefined
  readonly keys: KeyCounts | undefined
  readonly verified: LastVerification | undefined
  /** How many records are in no count, for all that is known. */
  readonly uncounted: number
  /** How many rows could not be read for what they are. */
  readonly damaged: number
}

/** More records without a row are not read for an answer: as many as wait for one, and a few questions that wait too. */
const tailRecords: number = blockRecords + 8
/** Rows of days that are read: 30 days, one more in part, and one more where a clock was set. */
const daysAtMost = 32
/** After rows with longer counts others get a turn: that is some milliseconds of work. */
const longCounts = 65_536
/** Rows of hours that are read for one day: clocks that were set may have given it more than 24. */
const hoursOfDay = 26

/** Reads counts: a bounded number of rows, whatever the size of the log. */
export async function readUsage(reader: StorageReader, question: UsageQuestion): Promise<UsageAnswer> {
  const { tenant, size } = question
  const newest = await newestRow(reader, tenant, size)
  const sum = new Sum(reader, question)
  const standing = newest === undefined ? undefined : sum.read(() => decodeStanding(newest))
  const countedTo = newest === undefined ? 0 : (newest['toSeq'] as number)
  // Of too many the first ones, which stay the same, so that no count is ever less than it was; but the newest ones of all.
  const from = newest === undefined ? Math.max(0, size - tailRecords) : countedTo
  const to = Math.min(size, from + tailRecords)
  const rows = await recordsBetween(reader, { tenant, from, to })
  const tail = rows.flatMap((row) => sum.read(() => countedFrom(row)) ?? [])
  sum.tally.add(Tally.of(tail.filter(({ at }) => hourOf(at) >= question.from)))
  if (standing !== undefined && newest !== undefined) await sum.addRows(standing, newest)
  const more = { tail, passed: size - to + from - countedTo, hasAll: from === 0 }
  return { tally: sum.tally, damaged: sum.damaged, ...standingWith(standing, more) }
}

/** Reads what stands, without any window. */
export async function readStanding(reader: StorageReader, on: { tenant: string; size: number }): Promise<UsageAnswer> {
  return readUsage(reader, { ...on, kind: 'totals', from: Infinity })
}

/** What stands, with what has no row yet. */
function standingWith(
  standing: Standing | undefined,
  { tail, passed, hasAll }: { readonly tail: readonly Placed[]; readonly passed: number; readonly hasAll: boolean },
): Omit<UsageAnswer, 'tally' | 'damaged'> {
  // The first key that was made would have had a row written.
  const none = { total: noTotal, since: tail.at(0)?.at, keys: hasAll ? noKeys : undefined, verified: undefined }
  const { since, keys, verified, uncounted, ...known } = standing ?? { ...none, uncounted: 0 }
  const total: ByAction = new Map()
  addActions(total, known.total)
  addActions(total, Tally.of(tail).totals)
  return { total, since, keys, verified: lastVerificationIn(tail) ?? verified, uncounted: passed + uncounted }
}

const noTotal: ByAction = new Map()

class Sum {
  readonly tally = new Tally()
  damaged = 0
  readonly #reader: StorageReader
  readonly #question: UsageQuestion

  constructor(reader: StorageReader, question: UsageQuestion) {
    this.#reader = reader
    this.#question = question
  }

  /** Adds the hour that goes on, the hours of its day, and the days before it. */
  async addRows(standing: Standing, newest: Row): Promise<void> {
    const { tenant, kind, from } = this.#question
    const each = (row: Row): void => this.#add(row)
    if ((newest['hour'] as number) >= from) await eachLevel(this.#reader, { tenant, kind, standing, each })
    if (from === Infinity) return
    await this.#addHours(standing.dayFrom, Infinity)
    const days = await this.#reader.range('usage', {
      prefix: [tenant, kind, dayLevel],
      order: 'desc',
      limit: daysAtMost,
    })
    for (const day of days) {
      const hour = day['hour'] as number
      if (hour >= from) await this.#addInTurn(day)
      else if (hour + 24 > from) await this.#addHours(day['fromSeq'] as number, day['toSeq'] as number)
    }
  }

  async #addHours(fromSeq: number, toSeq: number): Promise<void> {
    const { tenant, kind, from } = this.#question
    const range = { prefix: [tenant, kind, hourLevel], after: [fromSeq], limit: hoursOfDay }
    for (const row of await this.#reader.range('usage', range)) {
      if ((row['toSeq'] as number) <= toSeq && (row['hour'] as number) >= from) await this.#addInTurn(row)
    }
  }

  async #addInTurn(row: Row): Promise<void> {
    this.#add(row)
    if (String(row['counts']).length > longCounts) await this.#question.turn?.()
  }

  #add(row: Row): void {
    if (!addRow(this.tally, row)) this.damaged += 1
  }

  /** Reads something stored. What is not what it should be is counted, and left out. */
  read<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch {
      this.damaged += 1
      return undefined
    }
  }
}
