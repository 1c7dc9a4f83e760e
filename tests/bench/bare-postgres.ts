import type { Row } from '@chatelaine/core/storage'
import { tables } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import pg from 'pg'

/** Records of one transaction. */
export const batch = 64

/** A transaction's rows, ready to be written. */
export interface Ready {
  readonly rows: readonly Row[]
  readonly head: Row
}

const columnsOf = (table: string): readonly string[] =>
  Object.keys(tables.find(({ name }) => name === table)?.columns ?? {})
const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')
const places = (count: number, from: number): string =>
  Array.from({ length: count }, (_, at) => `$${from + at + 1}`).join(', ')

const recordColumns = columnsOf('records')
const headColumns = columnsOf('heads')
const lists = Array.from({ length: batch }, (_, at) => `(${places(recordColumns.length, at * recordColumns.length)})`)

/** The newest rows that a KMS wrote in the schema `kms`. */
export async function newestRows(url: string): Promise<Ready> {
  const storage = postgresStorage({ connectionString: url, schema: 'kms' })
  await storage.open(tables)
  const range = { prefix: ['default'], order: 'desc' } as const
  const [rows, heads] = await storage.snapshot(async (view) => [
    await view.range('records', { ...range, limit: batch }),
    await view.range('heads', { ...range, limit: 1 }),
  ])
  await storage.close()
  return { rows: rows as Row[], head: heads?.[0] as Row }
}

/** The ledger's transaction, as somebody would write it by hand on pg: prepared, one statement for all records. */
export class BareLedger {
  readonly #client: pg.Client
  readonly #schema: string
  readonly #tenant: string
  #rows: readonly Row[] = []
  #head: Row = {}
  #size = 0

  constructor(url: string, schema: string, tenant: string) {
    this.#client = new pg.Client(url)
    this.#schema = schema
    this.#tenant = tenant
  }

  /** Connects. What it writes will be like these rows. */
  async open({ rows, head }: Ready): Promise<void> {
    this.#rows = rows
    this.#head = head
    // What fails is heard of from the statement that fails.
    this.#client.on('error', () => undefined)
    await this.#client.connect()
  }

  /** So many transactions' rows. Nothing in them is computed when they are written. */
  ready(transactions: number): readonly Ready[] {
    return Array.from({ length: transactions }, () => {
      const rows = this.#rows.map((row) => {
        const seq = this.#size++
        return { ...row, tenant: this.#tenant, seq, writerSeq: seq }
      })
      return { rows, head: { ...this.#head, tenant: this.#tenant, size: this.#size } }
    })
  }

  /** Writes them: lock, read the head, insert the records, insert the head, commit. */
  async write({ rows, head }: Ready): Promise<void> {
    const client = this.#client
    const named = (name: string): string => `${this.#schema}.chatelaine_${name}`
    const lock = `select tenant from ${named('locks')} where tenant = $1 for update`
    const read = `select * from ${named('heads')} where tenant = $1 order by size desc limit 1`
    const records = `insert into ${named('records')} (${quoted(recordColumns)}) values ${lists.join(', ')}`
    const insert = `insert into ${named('heads')} (${quoted(headColumns)}) values (${places(headColumns.length, 0)})`
    const recordValues = rows.flatMap((row) => recordColumns.map((column) => row[column]))
    await client.query('begin isolation level read committed')
    await client.query({ name: 'lock', text: lock, values: [this.#tenant] })
    await client.query({ name: 'head', text: read, values: [this.#tenant] })
    await client.query({ name: 'records', text: records, values: recordValues })
    await client.query({ name: 'insert', text: insert, values: headColumns.map((column) => head[column]) })
    await client.query('commit')
  }

  /** Ends the connection. */
  close(): Promise<void> {
    return this.#client.end()
  }
}
