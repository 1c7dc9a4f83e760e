import { LimitExceededError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { Touched } from './cache.ts'
import { RowWriter, type RevisedRow, type WritingPlace } from './row-writer.ts'
import { keyOf } from './tree/place.ts'

/**
 * One change of the state, inside its transaction: reads what its predecessors left, and remembers every row it touches
 * for the audit record. The domain verbs in `keys/store.ts` and `access/store.ts` are made of these.
 */
export class ChangeSet extends RowWriter {
  /** Where the record of this change will stand. */
  readonly seq: number
  /** The latest time that is known of, whatever the clock of this process says. */
  readonly latest: number
  readonly #touched: Touched[] = []
  readonly #keyMoves = new Map<string, number>()
  #bytes = 0

  constructor(place: WritingPlace, seq: number, latest = 0) {
    super(place)
    this.seq = seq
    this.latest = latest
  }

  /** What was touched so far. */
  get touched(): readonly Touched[] {
    return this.#touched
  }

  /** By how many the keys in each state have become more or fewer. */
  get keyMoves(): ReadonlyMap<string, number> {
    return this.#keyMoves
  }

  override async insert(table: string, row: object, taken: () => Error): Promise<void> {
    this.#touch(table, row, 1)
    await super.insert(table, row, taken)
    if (table === 'keys') this.#moveKey(row, 1)
  }

  override async update<R extends RevisedRow>(table: string, row: R, changes: Partial<R>): Promise<R> {
    this.#touch(table, row, row.rev + 1)
    const next = await super.update(table, row, changes)
    if (table === 'keys') this.#moveKey(row, -1)
    if (table === 'keys') this.#moveKey(next, 1)
    return next
  }

  override async remove(table: string, row: RevisedRow): Promise<void> {
    this.#touch(table, row, 0)
    return super.remove(table, row)
  }

  /** Adds a row that says no more than another one of this change, which its record names. Nobody caches such rows. */
  async insertBeside(table: string, row: object, taken: () => Error): Promise<void> {
    await super.insert(table, row, taken)
  }

  /** Removes such a row. @throws ConflictError */
  async removeBeside(table: string, row: RevisedRow): Promise<void> {
    await super.remove(table, row)
  }

  #moveKey(row: object, by: 1 | -1): void {
    const state = String(Reflect.get(row, 'state'))
    const moved = (this.#keyMoves.get(state) ?? 0) + by
    if (moved === 0) this.#keyMoves.delete(state)
    else this.#keyMoves.set(state, moved)
  }

  #touch(table: string, row: object, rev: number): void {
    const touched = { table, key: keyOf(table, row), rev }
    this.#touched.push(touched)
    this.#bytes += Buffer.byteLength(JSON.stringify(touched))
    if (this.#touched.length > limits.rowsPerChange || this.#bytes > limits.rowBytesPerChange) {
      throw new LimitExceededError('one change touches too many rows')
    }
  }
}
