import { LimitExceededError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { Touched } from './cache.ts'
import { RowWriter, type RevisedRow } from './row-writer.ts'
import { keyOf } from './tree/place.ts'

/**
 * One change of the state, inside its transaction: reads what its predecessors left, and remembers every row it touches
 * for the audit record. The domain verbs in `keys/store.ts` and `access/store.ts` are made of these.
 */
export class ChangeSet extends RowWriter {
  readonly #touched: Touched[] = []
  #bytes = 0

  /** What was touched so far. */
  get touched(): readonly Touched[] {
    return this.#touched
  }

  override async insert(table: string, row: object, taken: () => Error): Promise<void> {
    this.#touch(table, { ...row, rev: 1 })
    return super.insert(table, row, taken)
  }

  override async update<R extends RevisedRow>(table: string, row: R, changes: Partial<R>): Promise<R> {
    this.#touch(table, { ...row, ...changes, rev: row.rev + 1 })
    return super.update(table, row, changes)
  }

  override async remove(table: string, row: RevisedRow): Promise<void> {
    this.#touch(table, { ...row, rev: 0 })
    return super.remove(table, row)
  }

  #touch(table: string, row: RevisedRow): void {
    const touched = { table, key: keyOf(table, row), rev: row.rev }
    this.#touched.push(touched)
    this.#bytes += Buffer.byteLength(JSON.stringify(touched))
    if (this.#touched.length > limits.rowsPerChange || this.#bytes > limits.rowBytesPerChange) {
      throw new LimitExceededError('one change touches too many rows')
    }
  }
}
