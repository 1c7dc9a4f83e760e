import type { Clock } from '../../internal/clock.ts'
import { limits } from '../../internal/defaults.ts'
import type { StorageTransaction } from '../../storage/adapter.ts'
import type { Row } from '../../storage/table.ts'
import type { BatchCompanion, LinkedBatch } from '../companion.ts'
import type { Head } from '../head.ts'
import { AskedStorage } from './asked-storage.ts'
import { countedOf, lastVerificationIn, type Placed } from './counted.ts'
import { findPlace, type Place } from './place.ts'
import {
  blockRecords,
  dayLevel,
  dayOf,
  hourLevel,
  hourOf,
  levels,
  moveKeys,
  rowsPerLevel,
  standingAt,
  type Standing,
} from './standing.ts'
import { addActions, Tally, type ByAction } from './tally.ts'
import { addRow, eachLevel, rowsOf, usageKinds, type Extent } from './usage-rows.ts'

/**
 * Counts records, in rows that are written with the batches: at most one statement more for a batch, and none for most
 * small ones. The records themselves are the truth: what has no row yet is read from them, by whoever needs it, so that
 * nothing is lost or counted twice when a process dies.
 *
 * Counting fails no batch. Where the storage does not take it, the batch is tried again without, and for a while nothing
 * is counted; what cannot be caught up with then is known as uncounted.
 */
export class UsageCounter implements BatchCompanion {
  readonly #clock: Clock
  #known: Place | undefined
  #next: Place | undefined
  #suspendedUntil = -Infinity
  /** The hour in which counting failed, until it is caught up with. */
  #failedIn: number | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async write(tx: StorageTransaction, batch: LinkedBatch): Promise<void> {
    this.#next = undefined
    if (this.#clock.monotonic() < this.#suspendedUntil) return
    const storage = new AskedStorage(tx)
    try {
      this.#next = await this.#count(storage, batch)
    } catch (error) {
      // Where the records were not written either, it says nothing of counting.
      await batch.written
      this.#known = undefined
      this.#failedIn = hourOf(batch.head.ts)
      this.#suspendedUntil = this.#clock.monotonic() + limits.usageSuspensionMs
      // After a storage that failed nothing more can be said of the transaction. Everything else concerns counts alone.
      if (storage.failed) throw error
    }
  }

  committed(): void {
    this.#known = this.#next
    this.#next = undefined
  }

  failed(): void {
    this.#next = undefined
  }

  /** After a failure, whoever asks for numbers does not catch up: that is for a batch that does something, or the next hour. */
  #isPutOff({ head, chain }: LinkedBatch): boolean {
    if (this.#failedIn === undefined || !isSameHour(this.#failedIn, hourOf(head.ts))) return false
    return chain.drafts.every(({ action }) => action === 'readMetrics')
  }

  async #count(storage: AskedStorage, batch: LinkedBatch): Promise<Place | undefined> {
    const { before, head, chain } = batch
    const known = this.#known
    const isCurrent = known !== undefined && known.isWhole && known.size === before.size
    if (known !== undefined && isQuiet(known, batch)) {
      if (!isCurrent) return { ...known, size: head.size, isWhole: false, tail: [], recent: undefined }
      return { ...known, size: head.size, tail: [...known.tail, ...countedOf(chain)] }
    }
    if (this.#isPutOff(batch)) return undefined
    this.#failedIn = undefined
    const found = isCurrent ? { place: known, begins: false } : await findPlace(storage, before)
    const rows: Row[] = []
    const hour = hourOf(head.ts)
    const isSame = isSameHour(found.place.hour, hour)
    const place = isSame ? found.place : await endHour(storage, { place: found.place, before, hour, rows })
    const moves = found.begins ? noMoves : chain.keyMoves
    const next = await addBatch(storage, { place, moves, head, records: countedOf(chain), rows })
    await storage.append('usage', rows)
    return next
  }
}

const noMoves: ReadonlyMap<string, number> = new Map()

/** Whether a batch needs no row: it begins no hour, moves no key between states, and leaves few records without one. */
function isQuiet(known: Place, { head, chain }: LinkedBatch): boolean {
  const isShort = head.size - known.countedTo < blockRecords
  return isShort && chain.keyMoves.size === 0 && isSameHour(known.hour, hourOf(head.ts))
}

/** Clocks of processes differ: what lies a little before the hour that has begun is counted in it. */
function isSameHour(known: number, hour: number): boolean {
  return hour === known || hour === known - 1
}

interface Ending {
  readonly place: Place
  readonly before: Head
  /** The hour that begins. */
  readonly hour: number
  readonly rows: Row[]
}

/** Ends an hour, and with it perhaps a day: everything of it in one row of each kind. */
async function endHour(storage: AskedStorage, { place, before, hour, rows }: Ending): Promise<Place> {
  const { tenant, size } = before
  const { standing, tail } = place
  const sum = Tally.of(tail)
  const total = totalWith(standing, sum)
  const each = (row: Row): void => void addRow(sum, row)
  for (const kind of usageKinds) await eachLevel(storage, { tenant, kind, standing, each })
  const extent: Extent = { tenant, level: hourLevel, fromSeq: standing.hourFrom, toSeq: size, hour: place.hour }
  if (size > standing.hourFrom) rows.push(...rowsOf(sum, extent))
  const isNewDay = dayOf(hour) !== dayOf(place.hour)
  if (isNewDay && size > standing.dayFrom) {
    for (const kind of usageKinds) {
      const range = { prefix: [tenant, kind, hourLevel], after: [standing.dayFrom], limit: 64 }
      for (const row of await storage.range('usage', range)) each(row)
    }
    const day = dayOf(place.hour) * 24
    rows.push(...rowsOf(sum, { ...extent, level: dayLevel, fromSeq: standing.dayFrom, hour: day }))
  }
  const next: Standing = {
    ...standing,
    ...standingAt(size),
    dayFrom: isNewDay ? size : standing.dayFrom,
    total,
    verified: lastVerificationIn(tail) ?? standing.verified,
  }
  return { size, isWhole: true, hour, countedTo: size, tail: [], recent: [], standing: next }
}

interface Adding {
  readonly place: Place
  readonly moves: ReadonlyMap<string, number>
  readonly head: Head
  readonly records: readonly Placed[]
  readonly rows: Row[]
}

/** Counts what is not counted yet in a row of the lowest level that has room. */
async function addBatch(storage: AskedStorage, { place, moves, head, records, rows }: Adding): Promise<Place> {
  const { tenant, size } = head
  const { hour, recent } = place
  const all = [...place.tail, ...records]
  const sum = Tally.of(all)
  const total = totalWith(place.standing, sum)
  const verified = lastVerificationIn(all) ?? place.standing.verified
  const level = levelFor(place.standing)
  if (level > 0) await addLower(storage, sum, { tenant, place, level })
  const standing = withRow({ ...place.standing, total, verified }, { level, size, moves })
  const fromSeq = place.standing.ends[level] as number
  rows.push(...rowsOf(sum, { tenant, level, fromSeq, toSeq: size, hour }, standing))
  const written = level > 0 ? [] : recent === undefined ? undefined : [...recent, sum]
  return { size, isWhole: true, hour, countedTo: size, tail: [], recent: written, standing }
}

/** Adds what the rows of lower levels count: those of level 0 from memory, where they are there. */
async function addLower(
  storage: AskedStorage,
  sum: Tally,
  { tenant, place, level }: { tenant: string; place: Place; level: number },
): Promise<void> {
  const { standing, recent } = place
  const ends = recent === undefined ? standing.ends : standing.ends.toSpliced(0, 1, standing.ends[1] as number)
  const each = (row: Row): void => void addRow(sum, row)
  for (const kind of usageKinds) {
    await eachLevel(storage, { tenant, kind, standing: { ...standing, ends }, each, below: level })
  }
  for (const tally of recent ?? []) sum.add(tally)
}

function levelFor({ rows }: Standing): number {
  let level = 0
  while (level < levels - 1 && (rows[level] as number) >= rowsPerLevel) level += 1
  return level
}

function withRow(
  standing: Standing,
  on: { readonly level: number; readonly size: number; readonly moves: ReadonlyMap<string, number> },
): Standing {
  const { level, size, moves } = on
  const ends = standing.ends.map((end, index) => (index <= level ? size : end))
  const rows = standing.rows.map((count, index) => (index < level ? 0 : index === level ? count + 1 : count))
  const keys = standing.keys === undefined ? undefined : moveKeys(standing.keys, moves)
  return { ...standing, ends, rows, keys }
}

/** What is counted since the beginning, with more. */
function totalWith({ total }: Standing, sum: Tally): ByAction {
  const all: ByAction = new Map()
  addActions(all, total)
  addActions(all, sum.totals)
  return all
}
