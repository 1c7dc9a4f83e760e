import type { Range, Row, StorageAdapter, StorageReader, StorageTransaction } from '@chatelaine/core/storage'

/** An adapter with one fault, and the test that is there to find it. */
export interface Broken {
  /** What is wrong with it. */
  readonly fault: string
  /** The title of the test that finds it. */
  readonly caughtBy: string
  /** Gives adapters on one place. */
  readonly connect: () => () => StorageAdapter
}

/** What of an adapter is to be otherwise. */
export interface Alteration {
  /** The adapter's own verbs. */
  readonly adapter?: (inner: StorageAdapter) => Partial<StorageAdapter>
  /** What reads, in snapshots and in transactions. */
  readonly view?: (inner: StorageReader) => Partial<StorageReader>
  /** What writes. */
  readonly tx?: (inner: StorageTransaction) => Partial<StorageTransaction>
  /** Every row on its way in. */
  readonly into?: (row: Row) => Row
  /** Every row on its way out. */
  readonly out?: (row: Row) => Row
  /** Rows of a range, and the range that is asked instead. */
  readonly asked?: (range: Range) => Range
  readonly found?: (rows: Row[], range: Range) => Row[]
}

/** The same adapter but for one thing. */
export function altered(inner: StorageAdapter, alteration: Alteration): StorageAdapter {
  const own: StorageAdapter = {
    name: inner.name,
    open: (tables) => inner.open(tables),
    migrate: () => inner.migrate(),
    close: () => inner.close(),
    snapshot: (read) => inner.snapshot((view) => read(viewOf(view, alteration))),
    transact: (tenant, write, options) => inner.transact(tenant, (tx) => write(txOf(tx, alteration)), options),
  }
  return { ...own, ...alteration.adapter?.(own) }
}

function viewOf(
  view: StorageReader,
  { view: other, out = same, asked = same, found = same }: Alteration,
): StorageReader {
  const own: StorageReader = {
    get: async (table, key) => {
      const row = await view.get(table, key)
      return row === undefined ? undefined : out(row)
    },
    range: async (table, range) => found((await view.range(table, asked(range))).map(out), range),
  }
  return { ...own, ...other?.(own) }
}

function txOf(tx: StorageTransaction, alteration: Alteration): StorageTransaction {
  const { into = same } = alteration
  const own: StorageTransaction = {
    ...viewOf(tx, alteration),
    insert: (table, row) => tx.insert(table, into(row)),
    replace: (table, row, rev) => tx.replace(table, into(row), rev),
    remove: (table, key, rev) => tx.remove(table, key, rev),
    append: (table, rows) => tx.append(table, rows.map(into)),
    savepoint: (step) => tx.savepoint(step),
  }
  return { ...own, ...alteration.tx?.(own) }
}

function same<T>(value: T): T {
  return value
}
