import type { Clock } from '../../internal/clock.ts'
import { limits } from '../../internal/defaults.ts'
import type { StorageTransaction } from '../../storage/adapter.ts'
import type { Row } from '../../storage/table.ts'
import { asksOnly, type BatchCompanion, type LinkedBatch } from '../companion.ts'
import type { Head } from '../head.ts'
import { AskedStorage } from './asked-storage.ts'
import { countedOf, lastVerificationIn, type Placed } from './counted.ts'
import { endHour, isSameHour, totalWith } from './ending.ts'
import { findPlace, readAgain, type Place } from './place.ts'
import { blockRecords, hourOf, levels, moveKeys, rowsPerLevel, type Standing } from './standing.ts'
import { Tally } from './tally.ts'
import { addRow, eachLevel, rowsOf, usageKinds } from './usage-rows.ts'

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
  #isBehind = false
  #onBehind: () => void = () => undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Says who hears of records that wait to be counted by a batch that does something else than ask for numbers. */
  tell(onBehind: () => void): void {
    this.#onBehind = onBehind
  }

  /** Whether there are such records. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  async write(tx: StorageTransaction, batch: LinkedBatch): Promise<void> {
    this.#next = undefined
    if (this.#clock.monotonic() < this.#suspendedUntil) return
    const storage = new AskedStorage(tx)
    try {
      const { place, rows } = await this.#count(storage, batch)
      this.#next = place
      if (rows.length > 0) batch.takeOver(this.#append(tx, batch, rows))
    } catch (error) {
      await this.#suspend(batch)
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

  async #append(tx: StorageTransaction, batch: LinkedBatch, rows: readonly Row[]): Promise<void> {
    try {
      await tx.append('usage', rows)
    } catch (error) {
      await this.#suspend(batch)
      throw error
    }
  }

  /** Counts nothing for a while. @throws where the records were not written either: that says nothing of counting */
  async #suspend(batch: LinkedBatch): Promise<void> {
    await batch.written
    this.#known = undefined
    this.#suspendedUntil = this.#clock.monotonic() + limits.usageSuspensionMs
  }

  async #count(storage: AskedStorage, batch: LinkedBatch): Promise<ToCount> {
    const known = this.#known
    const current = known?.isWhole === true && known.size === batch.before.size ? known : undefined
    if (known !== undefined && isQuiet(known, batch)) return nothingFor(after(known, batch, current !== undefined))
    if (asksOnly(batch) && (current === undefined || !readsNothing(current, batch))) {
      return nothingFor(this.#putOff(batch, current))
    }
    this.#isBehind = false
    return countNow(storage, batch, current)
  }

  /** Leaves a batch to be counted with the next one that does something else than ask for numbers. */
  #putOff(batch: LinkedBatch, current: Place | undefined): Place | undefined {
    this.#isBehind = true
    this.#onBehind()
    const isReadAgain = current !== undefined && batch.head.size - current.countedTo < readAgain
    return this.#known === undefined ? undefined : after(this.#known, batch, isReadAgain)
  }
}

/** Where counting stands after a batch, and the rows that are to be written for it. */
interface ToCount {
  readonly place: Place | undefined
  readonly rows: readonly Row[]
}

const nothingFor = (place: Place | undefined): ToCount => ({ place, rows: [] })

async function countNow(storage: AskedStorage, batch: LinkedBatch, current: Place | undefined): Promise<ToCount> {
  const { before, head, chain } = batch
  const found = current === undefined ? await findPlace(storage, before) : { place: current, hasCountedKeys: false }
  const rows: Row[] = []
  const hour = hourOf(head.ts)
  const isSame = isSameHour(found.place.hour, hour)
  const place = isSame ? found.place : await endHour(storage, { place: found.place, before, hour, rows })
  const moves = found.hasCountedKeys ? noMoves : chain.keyMoves
  return { place: await addBatch(storage, { place, moves, head, records: countedOf(chain), rows }), rows }
}

/** Where counting stands after a batch that is not counted yet: it is remembered where everything before it is known. */
function after(known: Place, { head, chain }: LinkedBatch, isCurrent: boolean): Place {
  if (!isCurrent) return { ...known, size: head.size, isWhole: false, tail: [], recent: undefined }
  return { ...known, size: head.size, tail: [...known.tail, ...countedOf(chain)] }
}

/** Whether a batch is counted in a row of the hour that adds up nothing but what is in memory. */
function readsNothing({ hour, standing, recent }: Place, { head }: LinkedBatch): boolean {
  const level = levelFor(standing)
  return isSameHour(hour, hourOf(head.ts)) && (level === 0 || (level === 1 && recent !== undefined))
}

const noMoves: ReadonlyMap<string, number> = new Map()

/** Whether a batch needs no row: it begins no hour, moves no key between states, and leaves few records without one. */
function isQuiet(known: Place, { head, chain }: LinkedBatch): boolean {
  const isShort = head.size - known.countedTo < blockRecords
  return isShort && chain.keyMoves.size === 0 && isSameHour(known.hour, hourOf(head.ts))
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
