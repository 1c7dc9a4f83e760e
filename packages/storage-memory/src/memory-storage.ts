import type {
  StorageAdapter,
  StorageFacts,
  StorageReader,
  StorageTransaction,
  TableDescriptor,
  TransactOptions,
} from '@chatelaine/core/storage'
import { Layout, refusal } from './layout.ts'
import { Table } from './table.ts'
import { Snapshot, Transaction } from './transaction.ts'
import type { Tables } from './transaction.ts'
import { Turns, unlessAborted } from './turns.ts'

/** How a memory storage keeps its rows. */
export interface MemoryStorageOptions {
  /**
   * About how many audit records to keep: the KMS prunes older ones by itself, so that a process that runs for long does
   * not fill its memory. @defaultValue all
   */
  readonly keepRecords?: number | undefined
}

class MemoryStorage implements StorageAdapter {
  readonly name = 'memory'
  readonly #turns = new Turns()
  readonly #reads = new Set<Promise<unknown>>()
  #descriptors: readonly TableDescriptor[] | undefined
  #tables: Tables = new Map()
  readonly #keepRecords: number | undefined
  #closed = false

  constructor({ keepRecords }: MemoryStorageOptions) {
    if (keepRecords !== undefined && !(Number.isSafeInteger(keepRecords) && keepRecords >= 1)) {
      throw refusal('keepRecords is a number of records.')
    }
    this.#keepRecords = keepRecords
  }

  async open(tables: readonly TableDescriptor[]): Promise<StorageFacts> {
    this.#refuseClosed()
    if (this.#descriptors !== undefined) throw refusal('This storage is open already.')
    this.#descriptors = tables
    return { exists: false, keepRecords: this.#keepRecords }
  }

  async migrate(): Promise<void> {
    const descriptors = this.#open()
    await this.#turns.take()
    const missing = descriptors.filter(({ name }) => !this.#tables.has(name))
    const created = missing.map((descriptor) => [descriptor.name, new Table(new Layout(descriptor))] as const)
    this.#tables = new Map([...this.#tables, ...created])
    this.#turns.pass()
  }

  async snapshot<T>(read: (view: StorageReader) => Promise<T>): Promise<T> {
    this.#open()
    const view = new Snapshot(this.#tables)
    const reading = (async () => read(view))().finally(() => {
      view.end()
      this.#reads.delete(reading)
    })
    this.#reads.add(reading)
    return reading
  }

  async transact<T>(
    _tenant: string,
    write: (tx: StorageTransaction) => Promise<T>,
    { signal }: TransactOptions = {},
  ): Promise<T> {
    this.#open()
    await this.#turns.take(signal)
    const transaction = new Transaction(this.#tables)
    try {
      const result = await unlessAborted(async () => write(transaction), signal)
      this.#tables = transaction.tables
      return result
    } finally {
      transaction.end()
      this.#turns.pass()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#turns.take()
    await Promise.allSettled(this.#reads)
    this.#tables = new Map()
    this.#turns.pass()
  }

  #open(): readonly TableDescriptor[] {
    this.#refuseClosed()
    if (this.#descriptors === undefined) throw refusal('This storage is not open yet.')
    return this.#descriptors
  }

  #refuseClosed(): void {
    if (this.#closed) throw refusal('This storage is closed.')
  }
}

/**
 * A storage that lives and dies with the object: nothing reaches a disk, no other process sees it. Transactions run
 * one at a time, in the order in which they were asked for, whatever their tenant.
 *
 * Appending costs a few microseconds per record; a snapshot, a savepoint and their end cost the same however much
 * there is, since trees of rows are shared until one side changes them.
 *
 * @example
 * ```ts no-check
 * const storage = memoryStorage()
 * await storage.open(tables)
 * await storage.migrate()
 * ```
 */
export function memoryStorage(options: MemoryStorageOptions = {}): StorageAdapter {
  return new MemoryStorage(options)
}
