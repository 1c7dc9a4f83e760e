import type { Row, TableDescriptor, Value } from '@chatelaine/core/storage'
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from 'kysely'
import type { SqlDialect, SqlResult, SqlSession, SqlStatement } from '../src/index.ts'

/** A dialect like SQLite's. */
export const dialect: SqlDialect = {
  kysely: {
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
  prefix: 'kms_',
  types: { text: sql`text`, integer: sql`integer`, bytes: sql`blob` },
  tableSuffix: sql`strict`,
}

/** A table with one of everything. */
export const things: TableDescriptor = {
  name: 'things',
  since: 1,
  columns: {
    tenant: { type: 'text' },
    id: { type: 'text' },
    ownerId: { type: 'text', nullable: true },
    size: { type: 'integer' },
    body: { type: 'bytes' },
    rev: { type: 'integer' },
  },
  primaryKey: ['tenant', 'id'],
  indexes: [
    { name: 'by_owner', columns: ['tenant', 'ownerId'] },
    { name: 'by_size', columns: ['size'], unique: true },
  ],
}

/** A table without a rev, of a later version. */
export const marks: TableDescriptor = {
  name: 'marks',
  since: 2,
  columns: { at: { type: 'integer' } },
  primaryKey: ['at'],
  indexes: [],
}

/** A row of `things`. */
export const thing = (values: Partial<Record<string, Value>> = {}): Row =>
  ({ tenant: 't', id: 'a', ownerId: null, size: 1, body: Uint8Array.of(1), rev: 1, ...values }) as Row

/** A session that notes what it is told to run, and answers what it is told to answer. */
export class ToldSession implements SqlSession {
  /** What was run. */
  readonly statements: { readonly sql: string; readonly parameters: readonly unknown[] }[] = []
  readonly #answer: Partial<SqlResult>

  constructor(answer: Partial<SqlResult> = {}) {
    this.#answer = answer
  }

  async run({ sql }: SqlStatement, parameters: readonly unknown[]): Promise<SqlResult> {
    this.statements.push({ sql, parameters })
    return { rows: [], changes: 1, ...this.#answer }
  }

  async runEach({ sql }: SqlStatement, lists: Iterable<readonly Value[]>): Promise<number> {
    let changes = 0
    for (const list of lists) {
      this.statements.push({ sql, parameters: [...list] })
      changes += this.#answer.changes ?? 1
    }
    return changes
  }
}
