import { tables } from '@chatelaine/core/storage'
import type { Range, Row, StorageAdapter, StorageTransaction, Value } from '@chatelaine/core/storage'

/**
 * An adapter on a transaction that is under way, and undone in the end. Whoever asks waits for whoever asked before.
 * Nobody else writes into it, so what was read once is not asked for again until something is written.
 */
export function inside(tx: StorageTransaction): StorageAdapter {
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }
  const remembering = new Remembering(tx)
  return {
    name: 'inside',
    open: async () => ({ exists: true }),
    migrate: async () => undefined,
    snapshot: async (read) => inTurn(async () => read(remembering)),
    transact: async (_, write) => inTurn(async () => remembering.savepoint(async () => write(remembering))),
    close: async () => undefined,
  }
}

/** Tables that are small here, and asked row by row: all rows of a tenant are read at once. */
const small: ReadonlySet<string> = new Set(['state_tree', 'keys', 'versions', 'names', 'principals'])
const keyColumns = new Map(tables.map(({ name, primaryKey }) => [name, primaryKey]))
const most = 1000

/** What a transaction shows, asked for once as long as nothing is written into the table. */
class Remembering implements StorageTransaction {
  readonly #tx: StorageTransaction
  readonly #known = new Map<string, Map<string, Promise<readonly Row[]>>>()

  constructor(tx: StorageTransaction) {
    this.#tx = tx
  }

  async get(table: string, key: readonly Value[]): Promise<Row | undefined> {
    const tenant = key[0]
    const all = small.has(table) && tenant !== undefined ? await this.#all(table, tenant) : undefined
    if (all !== undefined && all.length < most) {
      const columns = keyColumns.get(table) ?? []
      const found = all.find((row) => columns.every((column, at) => row[column] === key[at]))
      return found === undefined ? undefined : copyOf(found)
    }
    const [row] = await this.#ask(table, JSON.stringify(key), async () => {
      const found = await this.#tx.get(table, key)
      return found === undefined ? [] : [found]
    })
    return row === undefined ? undefined : copyOf(row)
  }

  async range(table: string, range: Range): Promise<Row[]> {
    const rows = await this.#ask(table, JSON.stringify(range), async () => this.#tx.range(table, range))
    return rows.map(copyOf)
  }

  async insert(table: string, row: Row): Promise<void> {
    return this.#write(table, async () => this.#tx.insert(table, row))
  }

  async replace(table: string, row: Row, expectedRev: number): Promise<void> {
    return this.#write(table, async () => this.#tx.replace(table, row, expectedRev))
  }

  async remove(table: string, key: readonly Value[], expectedRev?: number): Promise<void> {
    return this.#write(table, async () => this.#tx.remove(table, key, expectedRev))
  }

  async append(table: string, rows: readonly Row[]): Promise<void> {
    return this.#write(table, async () => this.#tx.append(table, rows))
  }

  /** What is undone was perhaps read. */
  async savepoint<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await this.#tx.savepoint(step)
    } catch (error) {
      this.#known.clear()
      throw error
    }
  }

  /** What was read is forgotten before a write, and again after it: somebody may have read meanwhile. */
  async #write(table: string, write: () => Promise<void>): Promise<void> {
    this.#known.delete(table)
    try {
      await write()
    } finally {
      this.#known.delete(table)
    }
  }

  async #all(table: string, tenant: Value): Promise<readonly Row[]> {
    const range = { prefix: [tenant], limit: most }
    return this.#ask(table, JSON.stringify(range), async () => this.#tx.range(table, range))
  }

  async #ask(table: string, name: string, read: () => Promise<readonly Row[]>): Promise<readonly Row[]> {
    const known = this.#known.get(table) ?? new Map<string, Promise<readonly Row[]>>()
    this.#known.set(table, known)
    const rows = known.get(name) ?? read()
    known.set(name, rows)
    return rows
  }
}

/** What is handed out belongs to whoever asked. */
function copyOf(row: Row): Row {
  const copied = Object.entries(row).map(([column, value]) => [
    column,
    value instanceof Uint8Array ? Buffer.from(value) : value,
  ])
  return Object.fromEntries(copied) as Row
}
