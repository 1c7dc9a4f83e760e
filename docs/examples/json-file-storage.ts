import type { Column, Range, Row, StorageAdapter, StorageReader, StorageTransaction } from '@chatelaine/core/storage'
import type { TableDescriptor, TransactOptions, Value } from '@chatelaine/core/storage'
import { existsSync } from 'node:fs'
import { open, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'

// What core catches is marked by this symbol, so that an adapter needs nothing of core but its types.
const brand = Symbol.for('chatelaine.StorageError')
const conflict = (message: string): Error => Object.assign(new Error(message), { [brand]: 'conflict' })
const failure = (message: string, how: object = {}): Error =>
  Object.assign(new Error(message), { [brand]: 'failure', transient: false, outcome: 'none', ...how })

type Table = TableDescriptor & { readonly rows: readonly Row[] }
type Tables = ReadonlyMap<string, Table>

function fits(value: unknown, { type, nullable }: Column): boolean {
  if (value === null) return nullable === true
  if (type === 'text') return typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
  return type === 'integer' ? Number.isSafeInteger(value) : value instanceof Uint8Array && value.length <= 2 ** 29
}

/** `null`, then text by its UTF-8 bytes, bytes bytewise, integers by value. */
function compare(left: Value, right: Value): number {
  if (left === right || left === null || right === null) return Number(left !== null) - Number(right !== null)
  if (typeof left === 'number') return left - Number(right)
  return Buffer.compare(Buffer.from(left as string), Buffer.from(right as string))
}

const compareAll = (left: readonly Value[], right: readonly Value[]): number =>
  left.map((value, at) => compare(value, right[at] as Value)).find((order) => order !== 0) ?? 0
const changed = (row: object, change: (value: Value) => unknown): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, change(value as Value) as Value]))
const copy = (row: Row): Row => changed(row, (value) => (value instanceof Uint8Array ? Uint8Array.from(value) : value))
const encode = (value: Value) => (value instanceof Uint8Array ? [Buffer.from(value).toString('base64')] : value)
const decode = (value: unknown): unknown => (Array.isArray(value) ? Buffer.from(String(value[0]), 'base64') : value)
const partsOf = (row: Row, columns: readonly string[]): Value[] => columns.map((column) => row[column] as Value)

function check({ name, columns }: Table, order: readonly string[], values: readonly unknown[]): void {
  const isFit = values.every((value, at) => order[at] !== undefined && fits(value, columns[order[at]] as Column))
  if (!isFit) throw failure(`This does not fit ${name}.`)
}

/** One state, and in a transaction the next one in the making: lists of rows are never changed, only replaced. */
class View implements StorageTransaction {
  tables: Tables | undefined
  constructor(tables: Tables) {
    this.tables = tables
  }

  get = async (name: string, key: readonly Value[]): Promise<Row | undefined> => this.#one(name, key)
  range = async (name: string, range: Range): Promise<Row[]> => this.#read(name, range)
  #one(name: string, key: readonly Value[]): Row | undefined {
    if (key.length !== this.#table(name).primaryKey.length) throw failure(`This is no key of ${name}.`)
    return this.#read(name, { prefix: key, limit: 1 })[0]
  }

  #read(name: string, { index, prefix, after = [], order, limit }: Range): Row[] {
    const table = this.#table(name)
    const indexed = index === undefined ? [] : table.indexes.find((one) => one.name === index)?.columns
    if (indexed === undefined) throw failure(`There is no such index of ${name}.`)
    const columns = [...indexed, ...table.primaryKey.filter((column) => !indexed.includes(column))]
    check(table, columns, [...prefix, ...after])
    const isFine = Number.isInteger(limit) && limit >= 1 && limit <= 1000 && !after.includes(null)
    if (!isFine) throw failure('A limit is 1 to 1,000, and a bound is never null.')
    const [sign, bounded] = [order === 'desc' ? -1 : 1, columns.slice(prefix.length)]
    return table.rows
      .filter((row) => compareAll(prefix, partsOf(row, columns)) === 0)
      .filter((row) => after.length === 0 || sign * compareAll(after, partsOf(row, bounded)) < 0)
      .toSorted((left, right) => sign * compareAll(partsOf(left, columns), partsOf(right, columns)))
      .slice(0, limit)
      .map(copy)
  }

  insert = (name: string, row: Row): Promise<void> => this.append(name, [row])
  async append(name: string, rows: readonly Row[]): Promise<void> {
    for (const row of rows) this.#add(this.#table(name), row)
  }

  replace(name: string, row: Row, expectedRev: number): Promise<void> {
    return this.savepoint(async () => {
      await this.remove(name, partsOf(row, this.#table(name).primaryKey), expectedRev)
      await this.insert(name, row)
    })
  }

  async remove(name: string, key: readonly Value[], expectedRev?: number): Promise<void> {
    const [row, table] = [this.#one(name, key), this.#table(name)]
    if (expectedRev !== undefined && !('rev' in table.columns)) throw failure(`${name} has no column rev.`)
    if (row === undefined || row['rev'] !== (expectedRev ?? row['rev'])) throw conflict(`${name} has no such row.`)
    const rows = table.rows.filter((other) => compareAll(key, partsOf(other, table.primaryKey)) !== 0)
    this.tables = new Map(this.tables).set(name, { ...table, rows })
  }

  async savepoint<T>(step: () => Promise<T>): Promise<T> {
    const { tables: before } = this
    if (before === undefined) throw failure('This transaction is over.')
    return (async () => step())().catch((error: unknown) => {
      this.tables &&= before
      throw error
    })
  }

  #table(name: string): Table {
    const table = this.tables?.get(name)
    if (table === undefined) throw failure(`There is no table ${name}, or this is over.`)
    return table
  }

  #add(table: Table, row: Row): void {
    const columns = Object.keys(table.columns)
    if (Object.keys(row).length !== columns.length) throw failure(`A row of ${table.name} has other columns.`)
    check(table, columns, partsOf(row, columns))
    const indexes = table.indexes.filter(({ unique }) => unique === true).map((index) => index.columns)
    for (const unique of [table.primaryKey, ...indexes]) {
      const parts = partsOf(row, unique)
      const isTaken = table.rows.some((other) => compareAll(parts, partsOf(other, unique)) === 0)
      if (isTaken && !parts.includes(null)) throw conflict(`A place in ${table.name} is taken.`)
    }
    this.tables = new Map(this.tables).set(table.name, { ...table, rows: [...table.rows, copy(row)] })
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = (): void => reject(failure('The transaction was given up.', { transient: true }))
    if (signal?.aborted === true) abandon()
    signal?.addEventListener('abort', abandon, { once: true })
    work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', abandon))
  })
}

/** All that a KMS keeps, in one JSON file that is written anew at every commit: for few keys, and for one process. */
export class JsonFileStorage implements StorageAdapter {
  readonly name = 'json-file'
  readonly #file: string
  #descriptors: readonly TableDescriptor[] | undefined
  #tables: Tables = new Map()
  #lastTurn: Promise<unknown> = Promise.resolve()
  #running: Promise<unknown> = Promise.resolve()
  constructor(file: string) {
    this.#file = file
  }

  async open(descriptors: readonly TableDescriptor[]): Promise<{ readonly exists: boolean }> {
    const exists = existsSync(this.#file)
    const stored = JSON.parse(exists ? await readFile(this.#file, 'utf8') : '{}') as Record<string, Row[]>
    const known = descriptors.filter(({ name }) => stored[name] !== undefined)
    if (known.length < Object.keys(stored).length) throw failure('The file is of a later version.')
    const rowsOf = (name: string): Row[] => (stored[name] ?? []).map((row) => changed(row, decode))
    this.#tables = new Map(known.map((table) => [table.name, { ...table, rows: rowsOf(table.name) }]))
    this.#descriptors = descriptors
    return { exists }
  }

  async migrate(): Promise<void> {
    const empty = (this.#descriptors ?? []).map((table) => [table.name, { ...table, rows: [] }] as const)
    return this.#run(this.#lastTurn, async () => this.#save(new Map([...empty, ...this.#tables])))
  }

  async snapshot<T>(read: (view: StorageReader) => Promise<T>): Promise<T> {
    const view = new View(this.#tables)
    return this.#run(undefined, async () => read(view)).finally(() => (view.tables = undefined))
  }

  /** All tenants take turns, in the order in which they came. */
  async transact<T>(_: string, write: (tx: StorageTransaction) => Promise<T>, options?: TransactOptions): Promise<T> {
    return this.#run(unlessAborted(this.#lastTurn, options?.signal), async () => {
      const tx = new View(this.#tables)
      const written = (async () => write(tx))().then((result) => ({ result, tables: tx.tables }))
      const { result, tables } = await unlessAborted(written, options?.signal).finally(() => (tx.tables = undefined))
      if (tables !== undefined && tables !== this.#tables) await this.#save(tables)
      return result
    })
  }

  async close(): Promise<void> {
    this.#descriptors = undefined
    await this.#running
  }

  #run<T>(turn: Promise<unknown> | undefined, work: () => Promise<T>): Promise<T> {
    const isOpen = this.#descriptors !== undefined
    const running = isOpen ? Promise.resolve(turn).then(work) : Promise.reject(failure('This storage is not open.'))
    const after = (before: Promise<unknown>) => Promise.allSettled([before, running]).then(() => undefined)
    this.#running = after(this.#running)
    if (turn !== undefined) this.#lastTurn = after(this.#lastTurn)
    return running
  }

  /** The new file takes the old one's place in one step, when it is on the disk as a whole. */
  async #save(tables: Tables): Promise<void> {
    const stored = [...tables.values()].map(({ name, rows }) => [name, rows.map((row) => changed(row, encode))])
    await writeFile(`${this.#file}.new`, JSON.stringify(Object.fromEntries(stored)), { flush: true, mode: 0o600 })
    await rename(`${this.#file}.new`, this.#file)
    this.#tables = tables
    const folder = await open(path.dirname(this.#file))
    await folder.sync().then(() => folder.close())
  }
}
