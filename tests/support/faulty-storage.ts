import type {
  Range,
  Row,
  StorageAdapter,
  StorageReader,
  StorageTransaction,
  TableDescriptor,
  TransactOptions,
  Value,
} from '@chatelaine/core/storage'

/** What is to go wrong with a call: on which side of its work, and with what. */
export interface Fault {
  readonly position: 'before' | 'after'
  readonly error: () => unknown
}

/** Decides of each call, counted from 1, whether it fails. */
export type Schedule = (call: number, name: CallName) => Fault | undefined

/** A call as it was made: `transact`, `snapshot`, or a verb inside one of them such as `transact.insert`. */
export type CallName = string

/** A storage of which some calls fail, before they did anything or after they did everything. */
export class FaultyStorage implements StorageAdapter {
  readonly name = 'faulty'
  readonly #inner: StorageAdapter
  #schedule: Schedule | undefined
  /** Every call since {@link FaultyStorage.arm}. */
  readonly calls: CallName[] = []

  constructor(inner: StorageAdapter) {
    this.#inner = inner
  }

  /** Counts from now on, and lets calls fail as this says. */
  arm(schedule: Schedule): void {
    this.calls.length = 0
    this.#schedule = schedule
  }

  /** Lets nothing fail any more. */
  disarm(): void {
    this.#schedule = undefined
  }

  async open(tables: readonly TableDescriptor[]): Promise<{ readonly exists: boolean }> {
    return this.#inner.open(tables)
  }

  async migrate(): Promise<void> {
    return this.#inner.migrate()
  }

  async close(): Promise<void> {
    return this.#inner.close()
  }

  async snapshot<T>(read: (view: StorageReader) => Promise<T>): Promise<T> {
    return this.#call('snapshot', async () =>
      this.#inner.snapshot(async (view) => read(this.#reader('snapshot', view))),
    )
  }

  async transact<T>(
    tenant: string,
    write: (tx: StorageTransaction) => Promise<T>,
    options?: TransactOptions,
  ): Promise<T> {
    return this.#call('transact', async () =>
      this.#inner.transact(tenant, async (tx) => write(this.#transaction(tx)), options),
    )
  }

  #reader(where: string, view: StorageReader): StorageReader {
    return {
      get: async (table: string, key: readonly Value[]) => this.#call(`${where}.get`, async () => view.get(table, key)),
      range: async (table: string, range: Range) => this.#call(`${where}.range`, async () => view.range(table, range)),
    }
  }

  #transaction(tx: StorageTransaction): StorageTransaction {
    return {
      ...this.#reader('transact', tx),
      insert: async (table, row) => this.#call('transact.insert', async () => tx.insert(table, row)),
      replace: async (table, row, rev) => this.#call('transact.replace', async () => tx.replace(table, row, rev)),
      remove: async (table, key, rev) => this.#call('transact.remove', async () => tx.remove(table, key, rev)),
      append: async (table, rows: readonly Row[]) => this.#call('transact.append', async () => tx.append(table, rows)),
      savepoint: async <T>(step: () => Promise<T>) => this.#call('transact.savepoint', async () => tx.savepoint(step)),
    }
  }

  async #call<T>(name: CallName, work: () => Promise<T>): Promise<T> {
    if (this.#schedule === undefined) return work()
    const fault = this.#schedule(this.calls.push(name), name)
    if (fault === undefined) return work()
    if (fault.position === 'after') await work()
    throw fault.error()
  }
}
