import { memoryStorage } from '@chatelaine/storage-memory'
import type { StorageAdapter, StorageReader, StorageTransaction, TransactOptions } from '../../src/storage/adapter.ts'
import type { Range, Row, TableDescriptor, Value } from '../../src/storage/table.ts'
import { tables } from '../../src/storage/tables.ts'

/** What may be put between a KMS and its storage. Each gets the real call to make, and may make it or not. */
export interface Between {
  transact?: <T>(next: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>
  snapshot?: <T>(next: () => Promise<T>) => Promise<T>
  /** Sees every transaction that is about to begin, and may replace it. */
  write?: (tx: StorageTransaction) => StorageTransaction
  reader?: (reader: StorageReader) => StorageReader
}

/** Memory that several instances open, side by side or one after the other. It outlives them all. */
export class Shelf {
  memory: StorageAdapter = memoryStorage()
  #opened: Promise<{ readonly exists: boolean }> | undefined

  /** An adapter of its own for one instance. */
  adapter(between: Between = {}): StorageAdapter {
    return new ShelfAdapter(this, between)
  }

  /** Opens the memory once. Says that the tables exist from the second time on. */
  async open(descriptors: readonly TableDescriptor[]): Promise<{ readonly exists: boolean }> {
    if (this.#opened !== undefined) return this.#opened.then(() => ({ exists: true }))
    this.#opened = this.memory.open(descriptors)
    const opened = await this.#opened
    await this.memory.migrate()
    return opened
  }

  /** Reads as nobody's client. */
  async read<T>(work: (reader: StorageReader) => Promise<T>): Promise<T> {
    await this.open(tables)
    return this.memory.snapshot(work)
  }

  /** Writes as whoever has the database. */
  async tamper<T>(work: (tx: StorageTransaction) => Promise<T>): Promise<T> {
    await this.open(tables)
    return this.memory.transact('default', work)
  }

  /** Every row of a table, in the order of its primary key. */
  async rows(table: string, tenant = 'default'): Promise<Row[]> {
    return this.read(async (reader) => reader.range(table, { prefix: [tenant], limit: 1000 }))
  }

  /** Changes columns of the row with this key, behind everybody's back. */
  async edit(table: string, key: readonly Value[], change: (row: Row) => Row): Promise<void> {
    await this.tamper(async (tx) => {
      const row = (await tx.get(table, key)) as Row
      await tx.remove(table, key)
      await tx.insert(table, change(row))
    })
  }

  /** Lets something happen to a copy, and to nothing else. Gives the copy. */
  async aside(work: () => Promise<unknown>): Promise<Shelf> {
    const copy = await this.copy()
    const { memory } = this
    this.memory = copy.memory
    await work().finally(() => (this.memory = memory))
    return copy
  }

  /** Another shelf with the same rows. */
  async copy(): Promise<Shelf> {
    const copy = new Shelf()
    for (const { name } of tables) {
      const rows = await this.read(async (reader) => allOf(reader, name))
      await copy.tamper(async (tx) => {
        for (const row of rows) await tx.insert(name, row)
      })
    }
    return copy
  }
}

async function allOf(reader: StorageReader, table: string): Promise<Row[]> {
  return reader.range(table, { prefix: [], limit: 1000 })
}

class ShelfAdapter implements StorageAdapter {
  readonly name = 'shelf'
  readonly #shelf: Shelf
  readonly #between: Between

  constructor(shelf: Shelf, between: Between) {
    this.#shelf = shelf
    this.#between = between
  }

  async open(descriptors: readonly TableDescriptor[]): Promise<{ readonly exists: boolean }> {
    return this.#shelf.open(descriptors)
  }

  async migrate(): Promise<void> {}

  async snapshot<T>(read: (view: StorageReader) => Promise<T>): Promise<T> {
    const { snapshot, reader } = this.#between
    const next = async (): Promise<T> =>
      this.#shelf.memory.snapshot(async (view) => read(reader === undefined ? view : reader(view)))
    return snapshot === undefined ? next() : snapshot(next)
  }

  async transact<T>(
    tenant: string,
    work: (tx: StorageTransaction) => Promise<T>,
    options: TransactOptions = {},
  ): Promise<T> {
    const { transact, write } = this.#between
    const next = async (): Promise<T> =>
      this.#shelf.memory.transact(tenant, async (tx) => work(write === undefined ? tx : write(tx)), options)
    return transact === undefined ? next() : transact(next, options.signal)
  }

  async close(): Promise<void> {}
}

/** A transaction of which some verbs are replaced. */
export function altered(tx: StorageTransaction, verbs: Partial<StorageTransaction>): StorageTransaction {
  return {
    get: async (table, key) => tx.get(table, key),
    range: async (table: string, range: Range) => tx.range(table, range),
    insert: async (table, row) => tx.insert(table, row),
    replace: async (table, row, rev) => tx.replace(table, row, rev),
    remove: async (table, key, rev) => tx.remove(table, key, rev),
    append: async (table, rows) => tx.append(table, rows),
    savepoint: async (step) => tx.savepoint(step),
    ...verbs,
  }
}

/** Lets transactions pass, or makes them wait. */
export class Gate {
  #open: Promise<void> = Promise.resolve()
  #release: () => void = () => undefined
  /** How many wait, or have waited. */
  arrived = 0

  /** Transactions wait from now on. */
  shut(): void {
    this.#open = new Promise((resolve) => {
      this.#release = resolve
    })
  }

  /** They go on. */
  lift(): void {
    this.#release()
    this.#open = Promise.resolve()
  }

  readonly between: Between = {
    transact: async (next) => {
      this.arrived += 1
      await this.#open
      return next()
    },
  }
}
