import { ConflictError, LimitExceededError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import { isStorageConflict } from '../storage/errors.ts'
import type { Row } from '../storage/table.ts'
import { tables } from '../storage/tables.ts'
import type { Touched } from './cache.ts'
import type { Query } from './query.ts'
import { fetchAnswer } from './query.ts'
import type { StateView } from './view.ts'

const primaryKeys = new Map(tables.map((table) => [table.name, table.primaryKey.slice(1)]))

/** A row that carries its own revision. */
export interface RevisedRow {
  readonly rev: number
}

const pageOf = 100

/** Which rows, seen from the end of an index. */
export interface NewestRows {
  readonly prefix: readonly string[]
  readonly before?: readonly number[] | undefined
  readonly limit: number
}

/**
 * One change of the state, inside its transaction: reads what its predecessors left, and remembers every row it touches
 * for the audit record. The domain verbs in `keys/store.ts` and `access/store.ts` are made of these.
 */
export class ChangeSet implements StateView {
  readonly #tx: StorageTransaction
  readonly #tenant: string
  readonly #touched: Touched[] = []
  #bytes = 0
  #storageFailed = false

  constructor(tx: StorageTransaction, tenant: string) {
    this.#tx = tx
    this.#tenant = tenant
  }

  /** What was touched so far. */
  get touched(): readonly Touched[] {
    return this.#touched
  }

  /** Whether the storage could not do what it was asked, a conflict apart: its transaction is in doubt then. */
  get storageFailed(): boolean {
    return this.#storageFailed
  }

  async read<T>(query: Query<T>): Promise<T> {
    return this.#asked(fetchAnswer(this.#tx, this.#tenant, query))
  }

  /** Rows along an index, for what no {@link Query} can ask. */
  async range(table: string, index: string, prefix: readonly string[]): Promise<Row[]> {
    return this.#asked(this.#tx.range(table, { index, prefix: [this.#tenant, ...prefix], limit: limits.items }))
  }

  /** The newest rows of an index, for what no {@link Query} can ask; those before a place of the index, if one is given. */
  async newest(table: string, index: string, of: NewestRows): Promise<Row[]> {
    const { prefix, before, limit } = of
    const range = { index, prefix: [this.#tenant, ...prefix], after: before, order: 'desc', limit } as const
    return this.#asked(this.#tx.range(table, range))
  }

  /** The next rows below a beginning of a table's primary key, whose next column is a number, beyond that number. */
  async page(table: string, prefix: readonly string[], after: number): Promise<Row[]> {
    const range = { prefix: [this.#tenant, ...prefix], after: [after], limit: pageOf }
    return this.#asked(this.#tx.range(table, range))
  }

  /** Adds a row with `rev` 1. @throws whatever `taken` makes when its key or a unique index is taken. */
  async insert(table: string, row: object, taken: () => Error): Promise<void> {
    this.#touch(table, { ...row, rev: 1 })
    try {
      await this.#asked(this.#tx.insert(table, { ...row, tenant: this.#tenant, rev: 1 } as Row))
    } catch (error) {
      throw isStorageConflict(error) ? taken() : error
    }
  }

  /** Replaces a row with changed columns, if nobody did since it was read. @throws ConflictError */
  async update<R extends RevisedRow>(table: string, row: R, changes: Partial<R>): Promise<R> {
    const next = { ...row, ...changes, rev: row.rev + 1 }
    this.#touch(table, next)
    await orConflict(this.#asked(this.#tx.replace(table, next as unknown as Row, row.rev)))
    return next
  }

  /** Removes a row, if nobody changed it since it was read. @throws ConflictError */
  async remove(table: string, row: RevisedRow): Promise<void> {
    this.#touch(table, { ...row, rev: 0 })
    await orConflict(this.#asked(this.#tx.remove(table, this.#keyOf(table, row, [this.#tenant]), row.rev)))
  }

  async #asked<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      if (!isStorageConflict(error)) this.#storageFailed = true
      throw error
    }
  }

  #touch(table: string, row: RevisedRow): void {
    const touched = { table, key: this.#keyOf(table, row, []), rev: row.rev }
    this.#touched.push(touched)
    this.#bytes += Buffer.byteLength(JSON.stringify(touched))
    if (this.#touched.length > limits.rowsPerChange || this.#bytes > limits.rowBytesPerChange) {
      throw new LimitExceededError('one change touches too many rows')
    }
  }

  #keyOf(table: string, row: object, start: readonly string[]): (string | number)[] {
    const columns = primaryKeys.get(table) ?? []
    return [...start, ...columns.map((column) => Reflect.get(row, column) as string | number)]
  }
}

async function orConflict(write: Promise<void>): Promise<void> {
  try {
    await write
  } catch (error) {
    throw isStorageConflict(error) ? new ConflictError('somebody else changed it at the same time') : error
  }
}
