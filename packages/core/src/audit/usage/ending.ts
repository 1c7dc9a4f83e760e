import type { Row } from '../../storage/table.ts'
import type { Head } from '../head.ts'
import type { AskedStorage } from './asked-storage.ts'
import { lastVerificationIn, type Placed } from './counted.ts'
import type { Place } from './place.ts'
import { dayLevel, dayOf, hourLevel, hourOf, standingAt, type Standing } from './standing.ts'
import { addActions, Tally, type ByAction } from './tally.ts'
import { addRow, eachLevel, rowsOf, usageKinds, type Extent } from './usage-rows.ts'

/** The end of an hour. */
export interface Ending {
  readonly place: Place
  readonly before: Head
  /** The hour that begins. */
  readonly hour: number
  readonly rows: Row[]
}

/**
 * Clocks of processes differ: what lies less than a day before the hour that has begun is counted in it. Else processes
 * whose clocks are hours apart would end hours in turn, with every batch.
 */
export function isSameHour(known: number, hour: number): boolean {
  return hour <= known && hour > known - 24
}

/** Ends an hour, and with it perhaps a day: everything of it in one row of each kind. */
export async function endHour(storage: AskedStorage, { place, before, hour, rows }: Ending): Promise<Place> {
  const { tenant } = before
  const { standing, hour: ended } = place
  const { tail, rest } = parted(place)
  const size = rest[0]?.seq ?? before.size
  const sum = Tally.of(tail)
  const total = totalWith(standing, sum)
  for (const kind of usageKinds) {
    await eachLevel(storage, { tenant, kind, standing, each: (row) => void addRow(sum, row) })
  }
  const extent: Extent = { tenant, level: hourLevel, fromSeq: standing.hourFrom, toSeq: size, hour: ended }
  if (size > standing.hourFrom) rows.push(...rowsOf(sum, extent))
  const isNewDay = dayOf(hour) !== dayOf(ended)
  const dayFrom = isNewDay ? size : standing.dayFrom
  if (dayFrom > standing.dayFrom) rows.push(...(await dayRows(storage, { sum, extent, dayFrom: standing.dayFrom })))
  const verified = lastVerificationIn(tail) ?? standing.verified
  const next: Standing = { ...standing, ...standingAt(size), dayFrom, total, verified }
  return { size: before.size, isWhole: true, hour, countedTo: size, tail: rest, recent: [], standing: next }
}

/** The records that have no row yet: those of the hour, and those of the next, who only asked for numbers since then. */
function parted({ hour, tail }: Place): { readonly tail: readonly Placed[]; readonly rest: readonly Placed[] } {
  const since = tail.findIndex(({ at }) => !isSameHour(hour, hourOf(at)))
  return since < 0 ? { tail, rest: [] } : { tail: tail.slice(0, since), rest: tail.slice(since) }
}

interface Day {
  /** The last hour of the day. */
  readonly sum: Tally
  readonly extent: Extent
  readonly dayFrom: number
}

async function dayRows(storage: AskedStorage, { sum, extent, dayFrom }: Day): Promise<Row[]> {
  for (const kind of usageKinds) {
    const range = { prefix: [extent.tenant, kind, hourLevel], after: [dayFrom], limit: 64 }
    for (const row of await storage.range('usage', range)) addRow(sum, row)
  }
  return rowsOf(sum, { ...extent, level: dayLevel, fromSeq: dayFrom, hour: dayOf(extent.hour) * 24 })
}

/** What is counted since the beginning, with more. */
export function totalWith({ total }: Standing, sum: Tally): ByAction {
  const all: ByAction = new Map()
  addActions(all, total)
  addActions(all, sum.totals)
  return all
}
