import { ConflictError, isKmsError } from '../errors.ts'
import { limits } from '../internal/defaults.ts'
import type { StorageTransaction } from '../storage/adapter.ts'
import { isStorageConflict } from '../storage/errors.ts'
import type { Row } from '../storage/table.ts'
import { among, type RowKey, type Sought } from './among.ts'
import type { Query } from './query.ts'
import { fetchAnswer } from './query.ts'
import { AuthenticReader } from './tree/authentic-reader.ts'
import { isKnown } from './tree/bucket.ts'
import { keyOf } from './tree/place.ts'
import type { StateTree } from './tree/state-tree.ts'
import type { StateView } from './view.ts'

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

/** Where rows are written: a transaction, and the tree that it keeps over the state. */
export interface WritingPlace {
  readonly tx: StorageTransaction
  readonly tenant: string
  readonly tree: StateTree
}

/**
 * Writes rows of the state inside a transaction, each as one compare-and-set on its `rev`, and the tree over them.
 * Whoever writes stores the tree with {@link RowWriter.settle} before the rows count.
 */
export class RowWriter implements StateView {
  readonly #place: WritingPlace
  readonly #reader: AuthenticReader
  #storageFailed = false

  constructor(place: WritingPlace) {
    this.#place = place
    this.#reader = new AuthenticReader(place.tx, place.tree)
  }

  /** Whether the storage could not do what it was asked, a conflict apart: its transaction is in doubt then. */
  get storageFailed(): boolean {
    return this.#storageFailed
  }

  async read<T>(query: Query<T>): Promise<T> {
    return this.#asked(fetchAnswer(this.#reader, this.#place.tenant, query))
  }

  /** Rows along an index, for what no {@link Query} can ask. */
  async range(table: string, index: string, prefix: readonly string[]): Promise<Row[]> {
    const { tenant } = this.#place
    return this.#asked(this.#reader.range(table, { index, prefix: [tenant, ...prefix], limit: limits.items }))
  }

  /** The newest rows of an index, for what no {@link Query} can ask; those before a place of the index, if one is given. */
  async newest(table: string, index: string, of: NewestRows): Promise<Row[]> {
    const { prefix, before, limit } = of
    const range = { index, prefix: [this.#place.tenant, ...prefix], after: before, order: 'desc', limit } as const
    return this.#asked(this.#reader.range(table, range))
  }

  /** The next rows below a beginning of a table's primary key, whose next column is a number, beyond that number. */
  async page(table: string, prefix: readonly string[], after: number): Promise<Row[]> {
    const range = { prefix: [this.#place.tenant, ...prefix], after: [after], limit: pageOf }
    return this.#asked(this.#reader.range(table, range))
  }

  /** Rows of a table, by their primary keys. One that is not there is left out. */
  async among(table: string, keys: readonly RowKey[]): Promise<readonly Row[]> {
    return this.#asked(among(this.#reader, { tenant: this.#place.tenant, table, keys }))
  }

  /**
   * Rows of a table that were read before, as they are now: those that are still what the tree knows are not read again.
   * What is stored there by now is nobody's business: an update replaces it, or finds that it has another `rev`.
   */
  async asOfNow(table: string, seen: readonly Sought[]): Promise<readonly Row[]> {
    return this.#asked(this.#asOfNow(table, seen))
  }

  async #asOfNow(table: string, seen: readonly Sought[]): Promise<readonly Row[]> {
    const known: Row[] = []
    const others: RowKey[] = []
    for (const { key, row } of seen) {
      const entry = await this.#place.tree.entry(table, key)
      if (row !== undefined && isKnown(row, table, entry)) known.push(row)
      else others.push(key)
    }
    return [...known, ...(await this.among(table, others))]
  }

  /** Adds a row with `rev` 1. @throws whatever `taken` makes when its key or a unique index is taken. */
  async insert(table: string, row: object, taken: () => Error): Promise<void> {
    const { tx, tenant, tree } = this.#place
    const added = { ...row, tenant, rev: 1 } as Row
    try {
      await this.#asked(tx.insert(table, added))
    } catch (error) {
      if (!isStorageConflict(error)) throw error
      // What is in the way has to be what the tree knows of.
      await this.#asked(this.#reader.get(table, [tenant, ...keyOf(table, added)]))
      throw taken()
    }
    const before = await this.#asked(tree.put(table, added))
    if (before !== undefined) throw tree.tampered(table, before.key)
  }

  /** Replaces a row with changed columns, if nobody did since it was read. @throws ConflictError */
  async update<R extends RevisedRow>(table: string, row: R, changes: Partial<R>): Promise<R> {
    const { tx, tree } = this.#place
    const next = { ...row, ...changes, rev: row.rev + 1 }
    await this.#written(tx.replace(table, next as unknown as Row, row.rev))
    const before = await this.#asked(tree.put(table, next as unknown as Row))
    if (before?.rev !== row.rev) throw tree.tampered(table, keyOf(table, row))
    return next
  }

  /** Removes a row, if nobody changed it since it was read. @throws ConflictError */
  async remove(table: string, row: RevisedRow): Promise<void> {
    const { tx, tenant, tree } = this.#place
    const key = keyOf(table, row)
    await this.#written(tx.remove(table, [tenant, ...key], row.rev))
    const before = await this.#asked(tree.take(table, key))
    if (before?.rev !== row.rev) throw tree.tampered(table, key)
  }

  /** Stores what the written rows make of the tree. @throws StorageTamperedError */
  async settle(): Promise<void> {
    await this.#asked(this.#place.tree.write(this.#place.tx))
  }

  /** What does not verify was read as well as everything else: the transaction is in no doubt. */
  async #asked<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      this.#saw(error)
      throw error
    }
  }

  async #written(write: Promise<void>): Promise<void> {
    try {
      await write
    } catch (error) {
      this.#saw(error)
      throw isStorageConflict(error) ? new ConflictError('somebody else changed it at the same time') : error
    }
  }

  #saw(error: unknown): void {
    if (!isStorageConflict(error) && !isKmsError(error)) this.#storageFailed = true
  }
}
