import type { Range, Row, TableDescriptor, Value } from './table.ts'

/**
 * Where a KMS keeps its state. Everything that decides, encrypts, hashes or authorizes lives in core; an adapter
 * stores rows and nothing else, so that it can be written from this page alone.
 *
 * **Rows.** A row is a plain object with exactly the columns of its descriptor. An adapter never shares memory with
 * its caller: what is passed in may be changed or wiped afterwards, what is handed out belongs to the caller.
 * Byte columns come back as `Uint8Array`s (a `Buffer` is one), integers as safe `number`s, absent values as `null`.
 *
 * **Errors.** A clash (see {@link StorageTransaction}) is a `StorageConflict`. Whatever else goes wrong is a
 * `StorageFailure` that says whether trying again can help (`transient`) and whether the transaction may have
 * been applied (`outcome`); a row, key or range that does not fit its descriptor is one that is not transient, with
 * outcome `none`. Any other error is taken as not transient, outcome unknown. The adapter itself never tries a
 * transaction again: the caller does.
 *
 * @example
 * ```ts no-check
 * const storage: StorageAdapter = memoryStorage()
 * await storage.open(tables)
 * await storage.migrate()
 * await storage.transact('default', async (tx) => tx.insert('locks', { tenant: 'default' }))
 * ```
 */
export interface StorageAdapter {
  /** Short name for messages and records, such as `sqlite`. */
  readonly name: string

  /**
   * Where a high-water mark of this storage is kept if the host names no other: the path of a file beside the database's,
   * for storages that are a file. @defaultValue none
   */
  readonly markPath?: string | undefined

  /**
   * Connects and learns the tables. Writes nothing but what connecting cannot do without (an empty file, say).
   * Called once, before anything else.
   *
   * @returns whether the tables exist already (in any version), so that the caller can check its root key before
   *   `migrate` writes.
   * @throws `StorageFailure` when the database cannot be reached, or holds a schema newer than this adapter knows.
   */
  open(tables: readonly TableDescriptor[]): Promise<StorageFacts>

  /**
   * Creates or completes the tables. Idempotent, and safe when several processes call it at once. A crash in the
   * middle leaves a state from which the next call completes. Does nothing where the adapter was made with
   * `migrate: false`, in which case missing tables are a `StorageFailure`.
   */
  migrate(): Promise<void>

  /**
   * Runs `read` on one consistent snapshot: all its reads see the same committed state, at least as new as every
   * transaction that had returned before `snapshot` was called, in whatever process. It never waits for writers and
   * never blocks them. At least 16 snapshots run side by side with each other and with a transaction; more may wait
   * for one of these to end.
   */
  snapshot<T>(read: (view: StorageReader) => Promise<T>): Promise<T>

  /**
   * Runs `write` in one transaction, exclusive per tenant across all processes that share the database: from before
   * its first read until its commit no other transaction of that tenant runs. (Before the tenant has a row in
   * `locks`, exclusion may rest on the conflicts of inserts alone.)
   *
   * **Atomic and durable:** when it resolves, everything is applied and survives a crash of process and machine.
   * When `write` throws, nothing is applied and the same error is thrown on. When committing fails, the error says
   * in `outcome` whether the transaction was certainly not applied (`none`) or may have been (`unknown`).
   *
   * Waiting for the lock never blocks the event loop. When `signal` aborts before the commit began, the transaction
   * is rolled back and a transient `StorageFailure` with outcome `none` is thrown; an abort during the commit may
   * leave the outcome unknown. An abort wins over whatever `write` throws. After it the call must settle soon. Without
   * a signal the adapter may give up on the lock after a while of its own, with the same failure.
   *
   * Calls must not be nested, and `write` must not call `snapshot`.
   */
  transact<T>(tenant: string, write: (tx: StorageTransaction) => Promise<T>, options?: TransactOptions): Promise<T>

  /** Waits for what is running, then releases everything. May be called twice. Nothing else may be called after it. */
  close(): Promise<void>
}

/** What an adapter found when it connected. */
export interface StorageFacts {
  /** Whether the tables exist, in any version. */
  readonly exists: boolean
  /**
   * How many audit records the storage wants to keep, where it has no room for all: core then prunes older ones by itself,
   * anchored or not. @defaultValue all
   */
  readonly keepRecords?: number | undefined
}

/** Options of {@link StorageAdapter.transact}. */
export interface TransactOptions {
  /** Gives up waiting for the lock, and the transaction, when aborted. */
  readonly signal?: AbortSignal | undefined
  /**
   * Whether `write` may be called before the lock is had, so that what it asks first, reads and writes, is sent together
   * with what takes it. Nothing is answered before, and nothing takes effect. An adapter is free to wait all the same.
   * @defaultValue false
   */
  readonly early?: boolean | undefined
}

/** The two ways to read. */
export interface StorageReader {
  /**
   * The row with this primary key, or `undefined` where there is none.
   *
   * @param key - the values of the primary key's columns, in the descriptor's order.
   */
  get(table: string, key: readonly Value[]): Promise<Row | undefined>

  /**
   * Rows along the primary key or an index, in order, at most `limit` of them (1 to 1,000). An empty list means
   * that there are none. Text is ordered by its UTF-8 bytes, bytes bytewise, integers by value.
   */
  range(table: string, range: Range): Promise<Row[]>
}

/**
 * What a transaction can do besides reading its own writes.
 *
 * Core may ask for several things in one go, without waiting in between, but for replacements and savepoints: they take
 * effect in the order in which they were asked for, and reads see what was asked for before them. What comes after one
 * that failed may fail as well.
 */
export interface StorageTransaction extends StorageReader {
  /** Adds a row. @throws `StorageConflict` when its primary key or a unique index is taken; the transaction stays usable. */
  insert(table: string, row: Row): Promise<void>

  /**
   * Replaces the row that has `row`'s primary key, on condition that its `rev` is `expectedRev`. Only for tables
   * with a column `rev`.
   *
   * @throws `StorageConflict` when there is no such row, its `rev` is another, or a unique index is taken; the
   *   transaction stays usable.
   */
  replace(table: string, row: Row, expectedRev: number): Promise<void>

  /**
   * Removes a row. With `expectedRev` on the same condition as {@link StorageTransaction.replace}.
   *
   * @throws `StorageConflict` when there is no such row or its `rev` is another; the transaction stays usable.
   */
  remove(table: string, key: readonly Value[], expectedRev?: number): Promise<void>

  /**
   * Adds many rows to an insert-only table, in their order: the hot path.
   *
   * @throws `StorageConflict` when any of them clashes. Some may then be there, so the caller abandons the transaction.
   */
  append(table: string, rows: readonly Row[]): Promise<void>

  /**
   * Runs `step`; when it throws, everything that it wrote is undone, nothing else is, and the error is thrown on.
   * May be nested.
   */
  savepoint<T>(step: () => Promise<T>): Promise<T>

  /**
   * Says that nothing more will be asked for: `write` only waits for its answers from now on, and throws nothing but what
   * one of them failed by. So the storage need not wait for them before it begins to commit, on condition that everything
   * succeeds that was asked for. An abort from now on is one during the commit.
   *
   * Optional. An adapter that would gain nothing by it leaves it out, and commits when `write` has returned; one that has
   * it may do so all the same. A decorator that has failures of its own leaves it out.
   */
  last?(): void
}
