import Database from 'better-sqlite3'

/** A row of the application's table. */
export interface User {
  readonly id: number
  readonly ssn: string
}

/** The application's own table, with how far the migration has come beside it. */
export class Users {
  readonly #db: Database.Database

  constructor(file: string) {
    this.#db = new Database(file)
    this.#db.pragma('journal_mode = wal')
    this.#db.exec(`
      create table if not exists users (id integer primary key, ssn text not null);
      create table if not exists migration (job text primary key, done_to integer not null)`)
  }

  insert(id: number, ssn: string): void {
    this.#db.prepare('insert into users (id, ssn) values (?, ?)').run(id, ssn)
  }

  get(id: number): string {
    return (this.#db.prepare('select ssn from users where id = ?').get(id) as User).ssn
  }

  set(id: number, ssn: string): void {
    this.#db.prepare('update users set ssn = ? where id = ?').run(ssn, id)
  }

  /** The rows after one, in order. */
  page(after: number, limit: number): readonly User[] {
    return this.#db.prepare('select id, ssn from users where id > ? order by id limit ?').all(after, limit) as User[]
  }

  /** Replaces values, each only where it still is what was read, and remembers how far that goes. */
  replace(moved: readonly (User & { readonly before: string })[], doneTo: number): number {
    const update = this.#db.prepare('update users set ssn = ? where id = ? and ssn = ?')
    const remember = this.#db.prepare("insert or replace into migration (job, done_to) values ('ssn', ?)")
    return this.#db.transaction(() => {
      const changes = moved.map(({ id, ssn, before }) => update.run(ssn, id, before).changes)
      remember.run(doneTo)
      return changes.reduce((all, one) => all + one, 0)
    })()
  }

  get doneTo(): number {
    const row = this.#db.prepare("select done_to from migration where job = 'ssn'").get() as
      | { readonly done_to: number }
      | undefined
    return row?.done_to ?? 0
  }

  close(): void {
    this.#db.close()
  }
}
