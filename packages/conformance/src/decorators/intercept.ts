import type { StorageAdapter, StorageReader, StorageTransaction } from '@chatelaine/core/storage'

/** The name of a call: a verb of the adapter, or one inside a snapshot or a transaction. What may fail has no last word. */
export type StorageCallName =
  | 'open'
  | 'migrate'
  | 'close'
  | 'snapshot'
  | 'transact'
  | `${'snapshot' | 'transact'}.${keyof StorageReader}`
  | `transact.${Exclude<keyof StorageTransaction, 'last'>}`

/** One call of an adapter, as it was made. */
export interface StorageCall {
  /** Its number, from 1: since the decorator was made, or told to count anew. */
  readonly number: number
  /** What was called. */
  readonly name: StorageCallName
  /** Of `transact`: the tenant. */
  readonly tenant?: string | undefined
  /** Of a verb on a table: its name. */
  readonly table?: string | undefined
  /** Of `transact.append`: how many rows. */
  readonly rows?: number | undefined
}

/** A call before it has its number. */
export type UnnumberedCall = Omit<StorageCall, 'number'>

/** Does a call, or something else in its place. */
export type Around = <T>(call: UnnumberedCall, work: () => Promise<T>) => Promise<T>

/** The same storage, with every call going through `around`. It keeps the contract wherever `around` just works. */
export function intercepted(inner: StorageAdapter, around: Around): StorageAdapter {
  return {
    name: inner.name,
    open: (tables) => around({ name: 'open' }, async () => inner.open(tables)),
    migrate: () => around({ name: 'migrate' }, async () => inner.migrate()),
    close: () => around({ name: 'close' }, async () => inner.close()),
    snapshot: (read) =>
      around({ name: 'snapshot' }, async () => inner.snapshot((view) => read(readerOf(view, 'snapshot', around)))),
    transact: (tenant, write, options) =>
      around({ name: 'transact', tenant }, async () =>
        inner.transact(tenant, (tx) => write(transactionOf(tx, around)), options),
      ),
  }
}

function readerOf(view: StorageReader, where: 'snapshot' | 'transact', around: Around): StorageReader {
  return {
    get: (table, key) => around({ name: `${where}.get`, table }, async () => view.get(table, key)),
    range: (table, range) => around({ name: `${where}.range`, table }, async () => view.range(table, range)),
  }
}

function transactionOf(tx: StorageTransaction, around: Around): StorageTransaction {
  return {
    ...readerOf(tx, 'transact', around),
    insert: (table, row) => around({ name: 'transact.insert', table }, async () => tx.insert(table, row)),
    replace: (table, row, expectedRev) =>
      around({ name: 'transact.replace', table }, async () => tx.replace(table, row, expectedRev)),
    remove: (table, key, expectedRev) =>
      around({ name: 'transact.remove', table }, async () => tx.remove(table, key, expectedRev)),
    append: (table, rows) =>
      around({ name: 'transact.append', table, rows: rows.length }, async () => tx.append(table, rows)),
    savepoint: (step) => around({ name: 'transact.savepoint' }, async () => tx.savepoint(step)),
  }
}
