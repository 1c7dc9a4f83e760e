import Database from 'better-sqlite3'
import type { ReEncryptedRow, ReEncryptRow } from '@chatelaine/core'

/** A table of an application: a row's id, and a value that is encrypted as text. */
export interface Customer {
  readonly id: string
  readonly iban: string
}

const pageRows = 500

/** Ids have one length, so that their order is that of their numbers. */
export function idOf(number: number): string {
  return String(number).padStart(8, '0')
}

/** What a row's value is before it is encrypted. */
export function valueOf(id: string): string {
  return `DE89 3704 0044 ${id}`
}

/** What binds a value to its row. */
export function contextOf(id: string): { readonly table: string; readonly row: string } {
  return { table: 'customers', row: id }
}

/** The application's own database: its table, and how far a re-encryption of it has come. */
export class CustomerTable {
  readonly #db: Database.Database

  constructor(file: string) {
    this.#db = new Database(file)
    this.#db.pragma('journal_mode = wal')
    this.#db.exec(`
      create table if not exists customers (id text primary key, iban text not null);
      create table if not exists cursors (job text primary key, cursor text not null)`)
  }

  /** Adds rows in one transaction. */
  insert(rows: readonly Customer[]): void {
    const insert = this.#db.prepare('insert into customers (id, iban) values (@id, @iban)')
    this.#db.transaction(() => rows.forEach((row) => insert.run(row)))()
  }

  /** The rows after one, page by page: no statement stays open while others write. */
  *rows(after = ''): Generator<Customer> {
    const page = this.#db.prepare('select id, iban from customers where id > ? order by id limit ?')
    for (let last = after; ;) {
      const rows = page.all(last, pageRows) as Customer[]
      yield* rows
      if (rows.length < pageRows) return
      last = (rows.at(-1) as Customer).id
    }
  }

  /** The rows, as re-encryption wants them. */
  *source(after?: string): Generator<ReEncryptRow> {
    for (const { id, iban } of this.rows(after)) yield { reference: id, ciphertext: iban, context: contextOf(id) }
  }

  /** Writes rows back in one transaction, each only where it still is what it was. */
  write(rows: readonly ReEncryptedRow[]): void {
    const update = this.#db.prepare('update customers set iban = ? where id = ? and iban = ?')
    this.#db.transaction(() => rows.forEach((row) => update.run(row.ciphertext, row.reference, row.previous)))()
  }

  /** How far a job has come. */
  get cursor(): string | undefined {
    return this.#db.prepare(`select cursor from cursors where job = 're-encrypt'`).pluck().get() as string | undefined
  }

  set cursor(cursor: string) {
    this.#db.prepare(`insert or replace into cursors (job, cursor) values ('re-encrypt', ?)`).run(cursor)
  }

  close(): void {
    this.#db.close()
  }
}
